// All exchanges.

import { html } from '../lib/html.js';
import { api, put, remove } from '../lib/api.js';
import { go, to } from '../lib/router.js';
import { attempt, open } from '../lib/dialog.js';
import { count, exchangeName } from '../lib/format.js';
import { badge, empty, head, icon, loaded } from '../lib/ui.js';
import { exchangeArguments, features, featureText } from '../lib/arguments.js';
import { field, form, select, text, tick } from '../lib/forms.js';
import { exchangeLink, ofVhost, rateColumn, vhostChoices, vhostColumn } from '../lib/lists.js';
import '../lib/table.js';

const COLUMNS = [
  { id: 'name', title: 'Name', first: true, value: (row) => exchangeName(row.name), cell: (row) => exchangeLink(row.vhost, row.name) },
  vhostColumn,
  { id: 'type', title: 'Type', narrow: true, value: (row) => row.type },
  { id: 'features', title: 'Features', value: featureText, cell: (row) => html`${features(row, { brief: true, most: 2 })}` },
  { id: 'policy', title: 'Policy', value: (row) => row.policy, cell: (row) => (row.policy ? badge(row.policy, 'accent') : html`<span class="muted">–</span>`) },
  rateColumn('publish_in', 'In', 'Messages that came, per second'),
  rateColumn('publish_out', 'Out', 'Messages that were routed to queues, per second'),
  { id: 'publish_in', title: 'Came in all', numeric: true, hidden: true, value: (row) => row.message_stats?.publish_in, cell: (row) => count(row.message_stats?.publish_in) },
];

const BULK = [{ title: 'Delete', run: (rows) => attempt(`Deleted ${count(rows.length)} exchanges.`, () => Promise.all(rows.map((row) => remove(api('exchanges', row.vhost, row.name))))) }];

export default function exchanges({ watch }) {
  const live = watch('/api/exchanges');
  const vhosts = watch('/api/vhosts?columns=name');
  const overview = watch('/api/overview?columns=exchange_types');
  const add = html`<button type="button" class="primary" @click=${() => openForm(vhosts().data, overview().data?.exchange_types)}>${icon('plus')}Add an exchange</button>`;
  return {
    title: 'Exchanges',
    view: () => html`${head({ title: 'Exchanges', actions: add })}
      ${loaded(live, (rows) => html`<data-table .main=${true} .name=${'exchanges'} .label=${'Exchanges'} .noun=${'exchange'} .sort=${'name'} .rows=${ofVhost(rows)} .columns=${COLUMNS} .bulk=${BULK} .empty=${empty('No exchanges', 'Every virtual host has some: you may see none.')}></data-table>`)}`,
  };
}

function openForm(vhosts, types = []) {
  const { names, chosen } = vhostChoices(vhosts);
  const submit = async (values, close) => {
    const body = { type: values.type, durable: values.durable === 'true', auto_delete: values.auto_delete, internal: values.internal, arguments: values.arguments };
    if (!(await attempt(`The exchange ${values.name} is there.`, () => put(api('exchanges', values.vhost, values.name), body)))) return;
    close();
    go(to(['exchanges', values.vhost, values.name]));
  };
  return open((close) => html`<div class="ask"><h2>Add an exchange</h2>${form(html`<div class="fields">
      ${field('Name', text('name', { required: true }))}
      ${names.length > 1 ? field('Virtual host', select('vhost', names, chosen)) : html`<input type="hidden" name="vhost" .value=${chosen ?? '/'}>`}
      ${field('Type', select('type', types.length ? types.map((one) => one.name) : ['direct', 'fanout', 'headers', 'topic'], 'direct'))}
      ${field('Durability', select('durable', [['true', 'Durable'], ['false', 'Transient']], 'true'))}
      <div class="ticks">${tick('auto_delete', 'Delete with the last binding', false, 'auto_delete')}${tick('internal', 'Only for other exchanges', false, 'internal')}</div>
      <div class="field-group all"><span>Arguments</span><args-editor name="arguments" .names=${exchangeArguments}></args-editor></div>
    </div>`, { action: 'Add the exchange', submit: (values) => submit(values, close) })}</div>`, { label: 'Add an exchange', wide: true });
}
