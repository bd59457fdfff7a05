// Permissions as a table and as a form, and what they say of a name.

import { html } from './html.js';
import { api, put, remove } from './api.js';
import { attempt, confirm } from './dialog.js';
import { exchangeName } from './format.js';
import { field, form, select, text } from './forms.js';
import { userLink, vhostLink } from './lists.js';
import './table.js';

const pattern = (id, title, hint) => ({ id, title, hint, narrow: id !== 'configure', value: (row) => row[id], cell: (row) => html`<code>${row[id] === '' ? '(nothing)' : row[id]}</code>` });

async function revoke(row) {
  const isSure = await confirm({ title: `Take the permissions of ${row.user} in ${row.vhost} away?`, text: 'What is open goes on until it is used again.', action: 'Take them away' });
  if (isSure) await attempt(`${row.user} has no permissions in ${row.vhost}.`, () => remove(api('permissions', row.vhost, row.user)));
}

async function revokeTopic(row) {
  const isSure = await confirm({ title: `Take the topic permissions of ${row.user} in ${row.vhost} away?`, text: `For the exchange ${exchangeName(row.exchange)}.`, action: 'Take them away' });
  if (isSure) await attempt(`The topic permissions of ${row.user} are gone.`, () => remove(api('topic-permissions', row.vhost, row.user, row.exchange)));
}

const end = (action) => ({ id: 'remove', title: 'Remove', plain: true, narrow: true, class: 'end', value: () => '', cell: (row) => html`<button type="button" class="quiet" aria-label=${`Remove the permissions of ${row.user} in ${row.vhost}`} @click=${() => action(row)}>Remove</button>` });

const WHO = [
  { id: 'user', title: 'User', first: true, value: (row) => row.user, cell: (row) => userLink(row.user) },
  { id: 'vhost', title: 'Virtual host', value: (row) => row.vhost, cell: (row) => vhostLink(row.vhost) },
];

const COLUMNS = [...WHO, pattern('configure', 'Configure', 'May declare and delete'), pattern('write', 'Write', 'May publish, and bind to'), pattern('read', 'Read', 'May consume, and bind from'), end(revoke)];

const TOPIC_COLUMNS = [...WHO, { id: 'exchange', title: 'Exchange', value: (row) => exchangeName(row.exchange) }, pattern('write', 'Publish with keys', 'write'), pattern('read', 'Bind with keys', 'read'), end(revokeTopic)];

export const permissionTable = (rows, name, nothing) => html`<data-table .name=${name} .label=${'Permissions'} .noun=${'permission'} .small=${true} .rows=${rows} .columns=${COLUMNS} .empty=${nothing} .rowkey=${(row) => `${row.vhost} ${row.user}`}></data-table>`;

export const topicTable = (rows, name, nothing) => html`<data-table .name=${name} .label=${'Topic permissions'} .noun=${'topic permission'} .small=${true} .rows=${rows} .columns=${TOPIC_COLUMNS} .empty=${nothing} .rowkey=${(row) => `${row.vhost} ${row.user} ${row.exchange}`}></data-table>`;

const who = (name, label, fixed, choices) => (fixed ? html`<input type="hidden" name=${name} .value=${fixed}>` : field(label, select(name, choices ?? [], choices?.includes('/') ? '/' : choices?.[0])));

export function permissionForm({ vhost, user, vhosts, users }) {
  const submit = ({ user: name, vhost: where, ...patterns }) => attempt(`${name} has permissions in ${where}.`, () => put(api('permissions', where, name), patterns));
  return form(html`<div class="fields">${who('user', 'User', user, users)}${who('vhost', 'Virtual host', vhost, vhosts)}
    ${['configure', 'write', 'read'].map((one) => field(`${one[0].toUpperCase()}${one.slice(1)} (pattern)`, text(one, { value: '.*' })))}</div>`, { action: 'Set the permissions', submit });
}

export function topicForm({ user, vhosts, users, exchanges }) {
  const submit = ({ user: name, vhost: where, ...rest }) => attempt(`${name} has topic permissions in ${where}.`, () => put(api('topic-permissions', where, name), rest));
  return form(html`<div class="fields">${who('user', 'User', user, users)}${who('vhost', 'Virtual host', null, vhosts)}
    ${field('Exchange', html`<input name="exchange" list="topic-exchanges" required autocomplete="off">`)}
    ${field('Publish with keys (pattern)', text('write', { value: '.*' }))}${field('Bind with keys (pattern)', text('read', { value: '.*' }))}</div>
    <datalist id="topic-exchanges">${(exchanges ?? []).map((name) => html`<option value=${name}></option>`)}</datalist>`, { action: 'Set the topic permissions', submit });
}

/** Topic permissions may hold names that stand for the user's and the virtual host's. */
export const expand = (pattern, user, vhost) => pattern.replaceAll('{username}', () => user).replaceAll('{vhost}', () => vhost);

const OPTIONS = /^\(\?([ims]+)\)/;

/** What PCRE takes: options in front, and escapes that stand for themselves. */
function regex(pattern) {
  const [, flags = ''] = OPTIONS.exec(pattern) ?? [];
  const text = pattern.replace(OPTIONS, '');
  try {
    return new RegExp(text, `${flags}u`);
  } catch {
    return new RegExp(text, flags);
  }
}

/** Whether a pattern lets a name through: true, false, or what is wrong with the pattern. The empty one allows nothing. */
export function allows(pattern, name) {
  try {
    return regex(pattern === '' ? '^$' : pattern).test(name);
  } catch (error) {
    return error.message;
  }
}
