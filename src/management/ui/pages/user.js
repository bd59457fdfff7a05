// One user: tags and password, what it may do and where.

import { html } from '../lib/html.js';
import { api, put, remove } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, confirm } from '../lib/dialog.js';
import { badge, empty, head, loaded, panel } from '../lib/ui.js';
import { permissionForm, permissionTable, topicForm, topicTable } from '../lib/permissions.js';
import { tagsOf, userForm } from './users.js';

export default function user({ params, watch }) {
  const { name } = params;
  const live = watch(api('users', name));
  const permissions = watch(api('users', name, 'permissions'));
  const topics = watch(api('users', name, 'topic-permissions'));
  const vhosts = watch('/api/vhosts?columns=name');
  const exchanges = watch('/api/exchanges?columns=name,type');
  return {
    title: name,
    view: () => html`${head({
      trail: [['Users', to(['users'])]], title: name, badges: live().data && tagsOf(live().data).map((tag) => badge(tag, 'accent')),
      actions: html`<button type="button" class="danger" @click=${() => drop(name)}>Delete</button>`,
    })}${loaded(live, (data) => body(data, {
      permissions: permissions().data ?? [], topics: topics().data ?? [], vhosts: (vhosts().data ?? []).map((one) => one.name),
      exchanges: [...new Set((exchanges().data ?? []).filter((one) => one.type === 'topic').map((one) => one.name))],
    }))}`,
  };
}

async function drop(name) {
  if (!(await confirm({ title: `Delete the user ${name}?`, text: 'Its permissions go with it; its connections are closed.', action: 'Delete the user' }))) return;
  await attempt(`${name} was deleted.`, () => remove(api('users', name)), to(['users']));
}

function body(data, { permissions, topics, vhosts, exchanges }) {
  const change = (name, values, isNewPassword) => {
    const kept = isNewPassword ? {} : { password_hash: data.password_hash, hashing_algorithm: data.hashing_algorithm };
    return attempt(`${name} was changed.`, () => put(api('users', name), { ...kept, ...values }));
  };
  return html`<div class="stack">
    ${panel('Permissions', html`${permissionTable(permissions, 'user-permissions', empty(`${data.name} cannot connect anywhere`, 'Give permissions in a virtual host below, or from a shell:', `rabbitmqctl set_permissions ${data.name} ".*" ".*" ".*"`))}
      <h3>Set permissions</h3>${permissionForm({ user: data.name, vhosts })}`)}
    ${panel('Topic permissions', html`${topics.length ? topicTable(topics, 'user-topics') : html`<p class="muted">None: routing keys of topic exchanges are not checked.</p>`}
      <h3>Set topic permissions</h3>${topicForm({ user: data.name, vhosts, exchanges })}`)}
    ${panel('Password and tags', userForm({ name: data.name, tags: tagsOf(data), action: 'Change the user', submit: change }))}</div>`;
}
