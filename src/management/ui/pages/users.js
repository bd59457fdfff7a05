// All users.

import { html } from '../lib/html.js';
import { api, post, put } from '../lib/api.js';
import { attempt, open } from '../lib/dialog.js';
import { count } from '../lib/format.js';
import { badge, head, icon, loaded } from '../lib/ui.js';
import { field, form, text } from '../lib/forms.js';
import { userLink } from '../lib/lists.js';
import '../lib/table.js';

export const tagsOf = (row) => (Array.isArray(row.tags) ? row.tags : (row.tags ?? '').split(',').filter(Boolean));

const limits = (row) => Object.entries(row.limits ?? {}).map(([name, value]) => `${name} ${value}`);

function columns(permissions) {
  const vhosts = (row) => permissions.filter((one) => one.user === row.name).map((one) => one.vhost);
  return [
    { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => userLink(row.name) },
    { id: 'tags', title: 'Tags', narrow: true, value: (row) => tagsOf(row).join(' '), cell: (row) => html`${tagsOf(row).map((one) => badge(one, one === 'administrator' ? 'accent' : ''))}` },
    { id: 'vhosts', title: 'Virtual hosts', value: (row) => vhosts(row).join(' '), cell: (row) => (vhosts(row).length ? vhosts(row).join(', ') : badge('none: cannot connect', 'warn')) },
    { id: 'password', title: 'Password', value: (row) => (row.password_hash ? 'yes' : 'none') },
    { id: 'limits', title: 'Limits', value: (row) => limits(row).join(' '), cell: (row) => html`${limits(row).map((one) => badge(one))}` },
    { id: 'hashing', title: 'Hashed by', hidden: true, value: (row) => row.hashing_algorithm },
  ];
}

const BULK = [{ title: 'Delete', run: (rows) => attempt(`Deleted ${count(rows.length)} users.`, () => post('/api/users/bulk-delete', { users: rows.map((row) => row.name) })) }];

export default function users({ watch }) {
  const live = watch('/api/users');
  const permissions = watch('/api/permissions');
  const add = html`<button type="button" class="primary" @click=${openForm}>${icon('plus')}Add a user</button>`;
  return {
    title: 'Users',
    view: () => {
      const shown = columns(permissions().data ?? []);
      return html`${head({ title: 'Users', actions: add })}
        ${loaded(live, (rows) => html`<data-table .main=${true} .name=${'users'} .label=${'Users'} .noun=${'user'} .sort=${'name'} .rows=${rows} .columns=${shown} .bulk=${BULK}></data-table>`)}`;
    },
  };
}

const TAGS = [['management', 'may use this page'], ['policymaker', 'and set policies'], ['monitoring', 'and see everything'], ['administrator', 'and do everything']];

/** Name, password and tags; a known user keeps its password when none is given. */
export function userForm({ name, tags = [], submit, action }) {
  const send = async (values) => {
    const given = [...TAGS.map(([tag]) => tag).filter((tag) => values[`tag-${tag}`]), ...values.more.split(',').map((one) => one.trim()).filter(Boolean)];
    const secret = values.password ? { password: values.password } : name ? {} : { password_hash: '' };
    return submit(name ?? values.name, { tags: given.join(','), ...secret }, Boolean(values.password));
  };
  const others = tags.filter((tag) => !TAGS.some(([known]) => known === tag));
  return form(html`<div class="fields">${name ? null : field('Name', text('name', { required: true }))}
    ${field('Password', html`<input type="password" name="password" autocomplete="new-password">`, name ? 'Empty: it stays what it is' : 'Empty: nobody can sign in with it')}
    <fieldset class="all ticks"><legend class="hint">Tags</legend>${TAGS.map(([tag, words]) => html`<label class="tick" title=${words}><input type="checkbox" name=${`tag-${tag}`} ?checked=${tags.includes(tag)}>${tag}</label>`)}</fieldset>
    ${field('Other tags', text('more', { value: others.join(', '), placeholder: 'separated by commas' }))}</div>`, { action, submit: send });
}

function openForm() {
  return open((close) => html`<div class="ask"><h2>Add a user</h2>${userForm({
    action: 'Add the user',
    submit: async (name, body) => {
      if (await attempt(`The user ${name} is there. Without permissions it cannot connect.`, () => put(api('users', name), body))) close();
    },
  })}</div>`, { label: 'Add a user', wide: true });
}
