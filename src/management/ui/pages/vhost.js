// One virtual host: who may use it, tracing, protection, and its end.

import { html } from '../lib/html.js';
import { api, may, post, put, remove } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, confirm } from '../lib/dialog.js';
import { gauge, rates, sampleQuery } from '../lib/history.js';
import { count, rate } from '../lib/format.js';
import { badge, empty, facts, failed, head, loaded, panel, range, rangeChoice } from '../lib/ui.js';
import { permissionForm, permissionTable } from '../lib/permissions.js';
import '../lib/chart.js';

export default function vhost({ params, watch }) {
  const { name } = params;
  const path = () => `${api('vhosts', name)}?${sampleQuery(range())}`;
  const live = watch(path());
  const permissions = may('administrator') ? watch(api('vhosts', name, 'permissions')) : null;
  const users = may('administrator') ? watch('/api/users?columns=name') : null;
  // Samples end with what is now, which is as old as the answer.
  let [seen, seenAt] = [undefined, 0];
  return {
    title: name,
    view: () => {
      live.to(path());
      const { data: now, at } = live();
      if (now !== seen) [seen, seenAt] = [now, at];
      return html`${title(now, name)}${loaded(live, (data) => body(data, seenAt, permissions?.(), users?.().data))}`;
    },
  };
}

function title(data, name) {
  const actions = may('administrator') && data ? html`
    <button type="button" class="plain" @click=${() => trace(data)}>${data.tracing ? 'Stop tracing' : 'Trace'}</button>
    <button type="button" class="plain" @click=${() => protect(data)}>${data.protected_from_deletion ? 'Allow deletion' : 'Protect from deletion'}</button>
    <button type="button" class="danger" @click=${() => drop(name)}>Delete</button>` : null;
  const badges = data && html`${data.tracing ? badge('tracing', 'warn', 'Copies of all messages go to amq.rabbitmq.trace') : null}${data.protected_from_deletion ? badge('protected from deletion', 'accent') : null}${(data.tags ?? []).map((one) => badge(one))}`;
  return head({ trail: [['Virtual hosts', to(['vhosts'])]], title: name, badges, actions });
}

const trace = (data) => attempt(data.tracing ? 'Tracing is off.' : 'Tracing is on.', () => put(api('vhosts', data.name), { tracing: !data.tracing }));

const protect = (data) => attempt(data.protected_from_deletion ? `${data.name} can be deleted.` : `${data.name} is protected.`, () => {
  const path = api('vhosts', data.name, 'deletion', 'protection');
  return data.protected_from_deletion ? remove(path) : post(path);
});

async function drop(name) {
  if (!(await confirm({ title: `Delete the virtual host ${name}?`, text: 'All its exchanges, queues, messages, policies and permissions go with it; its connections are closed.', action: 'Delete the virtual host' }))) return;
  await attempt(`${name} was deleted.`, () => remove(api('vhosts', name)), to(['vhosts'], { vhost: '' }));
}

function body(data, at, permissions, users) {
  const key = `vhost/${data.name}`;
  const lengths = [['messages_ready', 'Ready'], ['messages_unacknowledged', 'Unacknowledged']].map(([id, words]) => ({ name: words, samples: gauge(data, id, `${key}/${id}`, at) }));
  const flows = [['publish', 'Published'], ['deliver_get', 'Delivered'], ['ack', 'Acknowledged']].map(([id, words]) => ({ name: words, samples: rates(data.message_stats, id, `${key}/${id}`, at) }));
  return html`<div class="stack"><div class="pair">
    ${panel('Queued messages', html`<line-chart .series=${lengths} .span=${range()} .least=${10} .label=${'Queued messages'}></line-chart>`, { actions: rangeChoice() })}
    ${panel('Messages per second', html`<line-chart .series=${flows} .span=${range()} .least=${10} .format=${rate} .label=${'Messages per second'}></line-chart>`)}</div>
    ${panel('Virtual host', facts([['Description', data.description], ['Default queue type', data.default_queue_type], ['Ready', count(data.messages_ready ?? 0)], ['Unacknowledged', count(data.messages_unacknowledged ?? 0)], ['Tracing', data.tracing ? 'on' : 'off'], ['State', Object.values(data.cluster_state ?? {}).join(', ')]]))}
    ${permissions ? panel('Who may use it', html`${failed(permissions.error)}${permissionTable(permissions.data ?? [], 'vhost-permissions', empty('Nobody may use it', 'Not even its maker: give somebody permissions below.'))}
      <h3>Give permissions</h3>${permissionForm({ vhost: data.name, users: (users ?? []).map((one) => one.name) })}`) : null}</div>`;
}
