// Limits of virtual hosts and users.

import { html } from '../lib/html.js';
import { api, may, put, remove } from '../lib/api.js';
import { attempt, confirm } from '../lib/dialog.js';
import { count } from '../lib/format.js';
import { empty, failed, head, panel } from '../lib/ui.js';
import { field, form, select, text } from '../lib/forms.js';
import { userLink, vhostLink } from '../lib/lists.js';
import '../lib/table.js';

const WORDS = { 'max-connections': 'Connections', 'max-queues': 'Queues', 'max-channels': 'Channels' };

const FAMILIES = {
  vhost: { path: 'vhost-limits', title: 'Of virtual hosts', names: ['max-connections', 'max-queues'], link: vhostLink, label: 'Virtual host' },
  user: { path: 'user-limits', title: 'Of users', names: ['max-connections', 'max-channels'], link: userLink, label: 'User' },
};

const flat = (rows, of) => (rows ?? []).flatMap((row) => Object.entries(row.value).map(([limit, value]) => ({ name: row[of], limit, value })));

async function drop(of, row) {
  const { path } = FAMILIES[of];
  if (!(await confirm({ title: `Remove the limit of ${row.name}?`, text: `${WORDS[row.limit] ?? row.limit}: ${row.value}`, action: 'Remove the limit' }))) return;
  await attempt(`${row.name} has no such limit any more.`, () => remove(api(path, row.name, row.limit)));
}

const columns = (of) => [
  { id: 'name', title: FAMILIES[of].label, first: true, value: (row) => row.name, cell: (row) => FAMILIES[of].link(row.name) },
  { id: 'limit', title: 'At most', narrow: true, value: (row) => WORDS[row.limit] ?? row.limit, cell: (row) => html`<span title=${row.limit}>${WORDS[row.limit] ?? row.limit}</span>` },
  { id: 'value', title: 'Number', numeric: true, narrow: true, value: (row) => row.value, cell: (row) => (row.value < 0 ? 'any' : count(row.value)) },
  ...(may('administrator') ? [{ id: 'remove', title: 'Remove', plain: true, narrow: true, class: 'end', value: () => '', cell: (row) => html`<button type="button" class="quiet" aria-label=${`Remove the limit of ${row.name}`} @click=${() => drop(of, row)}>Remove</button>` }] : []),
];

function section(of, live, names) {
  const { path, title, names: limits, label } = FAMILIES[of];
  const { data, error } = live();
  const submit = (values) => attempt(`The limit of ${values.name} is set.`, () => put(api(path, values.name, values.limit), { value: Number(values.value) }));
  return panel(title, html`${failed(error)}
    <data-table .name=${path} .label=${title} .noun=${'limit'} .small=${true} .rows=${flat(data, of)} .columns=${columns(of)} .rowkey=${(row) => `${row.name} ${row.limit}`} .empty=${empty('No limits', 'As many as there is room for.')}></data-table>
    ${may('administrator') ? html`<h3>Set a limit</h3>${form(html`<div class="fields">${field(label, select('name', names, names[0]))}${field('At most', select('limit', limits.map((one) => [one, WORDS[one]])))}${field('Number', text('value', { type: 'number', required: true }))}</div>`, { action: 'Set the limit', submit })}` : null}`);
}

export default function limits({ watch }) {
  const ofVhosts = watch('/api/vhost-limits');
  const ofUsers = watch('/api/user-limits');
  const vhosts = watch('/api/vhosts?columns=name');
  const users = may('administrator') ? watch('/api/users?columns=name') : null;
  const names = (of) => (of?.().data ?? []).map((one) => one.name);
  return {
    title: 'Limits',
    view: () => html`${head({ title: 'Limits' })}<div class="pair">${section('vhost', ofVhosts, names(vhosts))}${section('user', ofUsers, names(users))}</div>`,
  };
}
