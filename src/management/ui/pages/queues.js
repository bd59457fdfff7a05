// All queues.

import { html } from '../lib/html.js';
import { api, put, remove } from '../lib/api.js';
import { go, to } from '../lib/router.js';
import { attempt, open } from '../lib/dialog.js';
import { bytes, count } from '../lib/format.js';
import { badge, empty, head, icon, loaded } from '../lib/ui.js';
import { features, featureText, queueArguments } from '../lib/arguments.js';
import { field, form, select, text, tick } from '../lib/forms.js';
import { ofVhost, queueLink, rateColumn, stateColumn, vhostChoices, vhostColumn } from '../lib/lists.js';
import '../lib/table.js';

const number = (id, title, hint, extra) => ({ id, title, hint, numeric: true, value: (row) => row[id], cell: (row) => count(row[id]), ...extra });

export const COLUMNS = [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => queueLink(row.vhost, row.name) },
  vhostColumn,
  { id: 'type', title: 'Type', value: (row) => row.type },
  { id: 'operator_policy', title: 'Operator policy', hidden: true, value: (row) => row.operator_policy },
  { ...stateColumn, narrow: false },
  number('messages_ready', 'Ready', 'Waiting for a consumer', { narrow: true }),
  number('messages_unacknowledged', 'Unacked', 'Out, and not yet acknowledged'),
  number('messages', 'Total', 'Ready and unacknowledged'),
  number('consumers', 'Consumers', undefined, { narrow: true }),
  { id: 'consumer_capacity', title: 'Capacity', hint: 'consumer_capacity: share of the time in which consumers could take a message', numeric: true, hidden: true, value: (row) => row.consumer_capacity, cell: (row) => (row.consumers ? `${Math.round(row.consumer_capacity * 100)} %` : '–') },
  rateColumn('publish', 'In', 'Published per second'),
  rateColumn('deliver_get', 'Out', 'Delivered per second'),
  { id: 'policy', title: 'Policy', value: (row) => row.policy, cell: (row) => (row.policy ? badge(row.policy, 'accent') : html`<span class="muted">–</span>`) },
  { id: 'features', title: 'Features', value: featureText, cell: (row) => html`${features(row, { brief: true, most: 2 })}` },
  { ...rateColumn('ack', 'Acknowledged', 'Acknowledged per second'), hidden: true },
  { id: 'message_bytes', title: 'Size', hint: 'Bytes of all bodies', numeric: true, hidden: true, value: (row) => row.message_bytes, cell: (row) => bytes(row.message_bytes) },
  { id: 'message_bytes_persistent', title: 'Persistent', numeric: true, hidden: true, value: (row) => row.message_bytes_persistent, cell: (row) => bytes(row.message_bytes_persistent) },
  { ...rateColumn('redeliver', 'Redelivered', 'Redelivered per second'), hidden: true },
  { id: 'node', title: 'Node', hidden: true, value: (row) => row.node },
];

/** Only what a list shows: ten thousand queues are a lot of JSON. */
const ASKED = ['name', 'vhost', 'type', 'durable', 'auto_delete', 'exclusive', 'arguments', 'policy', 'operator_policy', 'state', 'messages_ready', 'messages_unacknowledged', 'messages', 'consumers', 'consumer_capacity',
  'message_stats.publish_details.rate', 'message_stats.deliver_get_details.rate', 'message_stats.ack_details.rate', 'message_stats.redeliver_details.rate', 'message_bytes', 'message_bytes_persistent', 'node'];

const each = (rows, work) => Promise.all(rows.map(work));

const BULK = [
  { title: 'Purge', run: (rows) => attempt(`Purged ${count(rows.length)} queues.`, () => each(rows, (row) => remove(api('queues', row.vhost, row.name, 'contents')))) },
  { title: 'Delete', run: (rows) => attempt(`Deleted ${count(rows.length)} queues.`, () => each(rows, (row) => remove(api('queues', row.vhost, row.name)))) },
];

export default function queues({ watch }) {
  const live = watch(`/api/queues?columns=${ASKED.join(',')}`);
  const vhosts = watch('/api/vhosts?columns=name');
  const add = html`<button type="button" class="primary" @click=${() => openForm(vhosts().data)}>${icon('plus')}Add a queue</button>`;
  const nothing = empty('No queues yet', 'Programs declare them when they connect. Or declare one here, or from a shell:', "curl -u guest:guest -X PUT http://localhost:15672/api/queues/%2F/orders -d '{\"durable\":true}'");
  return {
    title: 'Queues',
    view: () => html`${head({ title: 'Queues', actions: add })}
      ${loaded(live, (rows) => html`<data-table .main=${true} .name=${'queues'} .label=${'Queues'} .noun=${'queue'} .sort=${'name'} .rows=${ofVhost(rows)} .columns=${COLUMNS} .bulk=${BULK} .empty=${nothing}></data-table>`)}`,
  };
}

const TYPES = [['classic', 'Classic'], ['quorum', 'Quorum'], ['stream', 'Stream'], ['', 'Default of the virtual host']];

function openForm(vhosts) {
  const { names, chosen } = vhostChoices(vhosts);
  const submit = async (values, close) => {
    const isDone = await attempt(`The queue ${values.name} is there.`, () => {
      const args = values.type ? { 'x-queue-type': values.type, ...values.arguments } : values.arguments;
      return put(api('queues', values.vhost, values.name), { durable: values.durable === 'true', auto_delete: values.auto_delete, arguments: args });
    });
    if (!isDone) return;
    close();
    go(to(['queues', values.vhost, values.name]));
  };
  return open((close) => html`<div class="ask"><h2>Add a queue</h2>${form(html`<div class="fields">
      ${field('Name', text('name', { required: true }))}
      ${names.length > 1 ? field('Virtual host', select('vhost', names, chosen)) : html`<input type="hidden" name="vhost" .value=${chosen ?? '/'}>`}
      ${field('Type', select('type', TYPES, 'classic'))}
      ${field('Durability', select('durable', [['true', 'Durable'], ['false', 'Transient']], 'true'))}
      <div class="ticks">${tick('auto_delete', 'Delete with the last consumer', false, 'auto_delete')}</div>
      <div class="field-group all"><span>Arguments</span><args-editor name="arguments" .names=${queueArguments}></args-editor></div>
    </div>`, { action: 'Add the queue', submit: (values) => submit(values, close) })}</div>`, { label: 'Add a queue', wide: true });
}

