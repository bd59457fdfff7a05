// One queue: how deep it is and was, what holds for it, who consumes, what is in it.

import { html } from '../lib/html.js';
import { api, remove } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, confirm } from '../lib/dialog.js';
import { gauge, rates, sampleQuery } from '../lib/history.js';
import { bytes, count, plural, rate } from '../lib/format.js';
import { badge, facts, failed, head, loaded, panel, range, rangeChoice, state, tabs } from '../lib/ui.js';
import { about, features, readable } from '../lib/arguments.js';
import { bindForm, bindingTable } from '../lib/bindings.js';
import { publishForm } from '../lib/publish.js';
import { clientNames, connectionLink, vhostLink } from '../lib/lists.js';
import { consumerTable } from './consumers.js';
import { whyView } from '../lib/why.js';
import { messagesView } from './queue-messages.js';
import '../lib/chart.js';

const RATES = [['publish', 'Published'], ['deliver_get', 'Delivered'], ['ack', 'Acknowledged'], ['redeliver', 'Redelivered']];

export default function queue({ params, watch }) {
  const { vhost, name } = params;
  const path = () => `${api('queues', vhost, name)}?${sampleQuery(range())}`;
  const live = watch(path());
  const bindings = watch(api('queues', vhost, name, 'bindings'));
  const exchanges = watch(`${api('exchanges', vhost)}?columns=name`);
  const queues = watch(`${api('queues', vhost)}?columns=name`);
  const messages = messagesView(vhost, name, queues);
  const connections = watch('/api/connections?columns=name,user_provided_name,client_properties');
  const names = () => clientNames(connections().data);
  const why = whyView(vhost, name, names);
  const context = { vhost, name, bindings, exchanges, messages, why, names };
  return {
    title: name,
    view: () => {
      live.to(path());
      return html`${title(live().data, context)}${loaded(live, (data) => body(data, live().at, context))}`;
    },
  };
}

function title(data, { vhost, name }) {
  const actions = html`<button type="button" class="danger" @click=${() => purge(vhost, name, data)}>Purge</button><button type="button" class="danger" @click=${() => drop(vhost, name, data)}>Delete</button>`;
  const badges = data && html`${state(data.state)}${badge(data.type, 'accent', 'x-queue-type')}${data.policy ? badge(`policy ${data.policy}`, 'accent') : null}${data.operator_policy ? badge(`operator policy ${data.operator_policy}`, 'accent') : null}${features(data)}`;
  return head({ trail: [['Queues', to(['queues'])], [`virtual host ${vhost}`, to(['vhosts', vhost])]], title: name, badges, actions });
}

async function purge(vhost, name, data) {
  const isSure = await confirm({ title: `Purge the queue ${name}?`, text: `${plural(data?.messages_ready ?? 0, 'ready message')} will be gone. What is out stays.`, action: 'Purge the queue' });
  if (isSure) await attempt(`${name} was purged.`, () => remove(api('queues', vhost, name, 'contents')));
}

async function drop(vhost, name, data) {
  const text = `With it go ${plural(data?.messages ?? 0, 'message')}; ${plural(data?.consumers ?? 0, 'consumer')} will be cancelled.`;
  if (!(await confirm({ title: `Delete the queue ${name}?`, text, action: 'Delete the queue' }))) return;
  await attempt(`${name} was deleted.`, () => remove(api('queues', vhost, name)), to(['queues']));
}

function body(data, at, { vhost, name, bindings, exchanges, messages, why, names }) {
  const key = `queue/${vhost}/${name}`;
  const line = (stats, id, text, how) => ({ name: text, hint: id, samples: how(stats, id, `${key}/${id}`, at) });
  const lengths = [['messages_ready', 'Ready'], ['messages_unacknowledged', 'Unacknowledged']].map(([id, text]) => line(data, id, text, gauge));
  const flows = RATES.map(([id, text]) => line(data.message_stats, id, text, rates));
  const charts = () => html`<div class="pair">
      ${panel('Depth', html`<line-chart .series=${lengths} .span=${range()} .least=${10} .label=${'Depth'}></line-chart>`, { actions: rangeChoice() })}
      ${panel('Messages per second', html`<line-chart .series=${flows} .span=${range()} .least=${10} .format=${rate} .label=${'Messages per second'}></line-chart>`)}
    </div>`;
  const bound = bindings().data ?? [];
  return html`<div>${tabs('show', [
      { id: 'details', title: 'Details', view: () => html`<div class="stack">${charts()}${details(data, why)}</div>` },
      { id: 'messages', title: 'Messages', count: data.messages_ready == null ? null : count(data.messages_ready), view: () => messages(data) },
      { id: 'consumers', title: 'Consumers', count: data.consumers ?? 0, view: () => consumerTable(data.consumer_details ?? [], 'queue-consumers', { names: names(), without: ['queue'] }) },
      { id: 'bindings', title: 'Bindings', count: bindings().data ? bound.length : null, view: () => bindingsTab(bound, bindings().error, exchanges().data, vhost, name) },
      { id: 'publish', title: 'Publish', view: () => panel('Publish to this queue', html`<p class="hint">Through the default exchange, which routes by the queue's name.</p>${publishForm({ vhost, exchange: '', routingKey: name, isKeyFixed: true })}`) },
    ])}</div>`;
}

function details(data, why) {
  return html`${data.type === 'stream' ? null : why(data)}<div class="pair">${panel('Now', facts([
    ['Ready', count(data.messages_ready)], ['Unacknowledged', count(data.messages_unacknowledged)], ['Total', count(data.messages)],
    ['Persistent', data.messages_persistent == null ? null : count(data.messages_persistent)],
    ['Size', bytes(data.message_bytes), 'message_bytes: bodies of all messages'], ['Size of ready', bytes(data.message_bytes_ready)],
    ['Consumers', data.consumers], ['Capacity', data.consumers ? `${Math.round((data.consumer_capacity ?? 0) * 100)} %` : null, 'consumer_capacity: share of the time in which a consumer could take a message'],
    ['Active consumer', data.single_active_consumer_tag || null],
    ['Exclusive owner', data.owner_pid_details?.name ? connectionLink(data.owner_pid_details.name) : null],
  ]))}${panel('What it is', facts([
    ['Virtual host', vhostLink(data.vhost)], ['Type', data.type], ['Durable', data.durable ? 'yes' : 'no'], ['Auto-delete', data.auto_delete ? 'yes' : 'no'], ['Exclusive', data.exclusive ? 'yes' : 'no'],
    ['Node', data.node], ['Leader', data.leader], ['Members', data.members?.join(', ')], ['Delivery limit', data.delivery_limit], ['Readers', data.readers && Object.keys(data.readers).length ? JSON.stringify(data.readers) : null], ['Segments', data.segments],
  ]))}</div>${panel('What holds', whatHolds(data))}`;
}

/** Limits that a queue and its policy both set hold at the smaller one; otherwise the queue's own word wins. */
const SMALLER_WINS = new Set(['message-ttl', 'expires', 'max-length', 'max-length-bytes', 'delivery-limit', 'consumer-timeout']);

const HOLDS_COLUMNS = [
  { id: 'name', title: 'Setting', first: true, value: (row) => about(row.name)?.[0] ?? row.name, cell: (row) => html`<span title=${about(row.name)?.[2]}>${about(row.name)?.[0] ?? row.name}</span>` },
  { id: 'key', title: 'Argument', value: (row) => row.name, cell: (row) => html`<code>${row.name}</code>` },
  { id: 'own', title: 'The queue says', value: (row) => row.own, cell: (row) => (row.own === undefined ? html`<span class="muted">–</span>` : readable(row.name, row.own)) },
  { id: 'policy', title: 'Policies say', value: (row) => row.policy, cell: (row) => (row.policy === undefined ? html`<span class="muted">–</span>` : readable(row.name, row.policy)) },
  { id: 'effective', title: 'Holds', narrow: true, value: (row) => row.effective, cell: (row) => html`<strong>${readable(row.name, row.effective)}</strong>` },
];

function whatHolds(data) {
  const own = Object.fromEntries(Object.entries(data.arguments ?? {}).map(([name, value]) => [name.replace(/^x-/, ''), value]));
  const byPolicy = data.effective_policy_definition ?? {};
  const rows = [...new Set([...Object.keys(own), ...Object.keys(byPolicy)])].sort().map((name) => {
    const isBoth = name in own && name in byPolicy;
    const effective = isBoth && SMALLER_WINS.has(name) ? Math.min(own[name], byPolicy[name]) : (own[name] ?? byPolicy[name]);
    return { name, own: own[name], policy: byPolicy[name], effective };
  });
  if (rows.length === 0) return html`<p class="muted">Nothing special: no arguments, no policy.</p>`;
  return html`<data-table .name=${'holds'} .label=${'Arguments and policies'} .small=${true} .rows=${rows} .columns=${HOLDS_COLUMNS} .rowkey=${(row) => row.name}></data-table>`;
}

function bindingsTab(rows, error, exchanges, vhost, name) {
  const names = (exchanges ?? []).map((one) => one.name).filter(Boolean);
  return html`<div class="stack">${failed(error)}${bindingTable(rows, 'queue-bindings', null, ['destination', 'type'])}${panel('Bind this queue', bindForm({ vhost, queue: name, names }))}</div>`;
}
