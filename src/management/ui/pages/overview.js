// The node as a whole: what there is now, what goes through, where to connect.

import { html } from '../lib/html.js';
import { me, may } from '../lib/api.js';
import { to } from '../lib/router.js';
import { vhostChosen } from '../lib/settings.js';
import { gauge, rates, record, sampleQuery } from '../lib/history.js';
import { bytes, count, dateTime, duration, rate } from '../lib/format.js';
import { badge, copyable, facts, head, loaded, panel, range, rangeChoice } from '../lib/ui.js';
import { connectionStrings } from '../lib/clients.js';
import { definitionsPanel } from './definitions.js';
import '../lib/chart.js';
import '../lib/table.js';

/** [counter of message_stats, words, tooltip]. */
const RATES = [
  ['publish', 'Published', 'publish: messages that publishers sent'],
  ['deliver_get', 'Delivered', 'deliver_get: by consumers and by get, with and without acknowledgement'],
  ['ack', 'Acknowledged', 'ack'],
  ['confirm', 'Confirmed', 'confirm: publisher confirms'],
  ['redeliver', 'Redelivered', 'redeliver: delivered once more'],
  ['return_unroutable', 'Returned', 'return_unroutable: mandatory, and no queue was bound'],
  ['drop_unroutable', 'Dropped', 'drop_unroutable: no queue was bound, and nobody was told'],
];

const CHURN = [
  ['connection_created', 'Connections opened'], ['connection_closed', 'Connections closed'],
  ['channel_created', 'Channels opened'], ['channel_closed', 'Channels closed'],
  ['queue_declared', 'Queues declared', 'Also those that were there already'], ['queue_created', 'Queues created'], ['queue_deleted', 'Queues deleted'],
];

export default function overview({ watch }) {
  const path = () => `/api/overview?${sampleQuery(range())}`;
  const live = watch(path());
  const nodes = may('monitoring') ? watch('/api/nodes') : null;
  return {
    title: 'Overview',
    view: () => {
      live.to(path());
      return loaded(live, (data) => page(data, live().at, nodeNow(nodes?.())));
    },
  };
}

/** The node as it was told, and for how long it is up now. */
function nodeNow(told) {
  const node = told?.data?.[0];
  return node && { ...node, uptime: node.uptime + Date.now() - told.at };
}

function page(data, at, node) {
  const ready = node ? `up for ${duration(node.uptime)}` : null;
  const own = data.erlang_full_version?.replace('none: ', '') ?? '';
  return html`
    ${head({
      title: data.cluster_name,
      badges: html`${badge(own.startsWith('Leveret') ? own : `${data.product_name} ${data.product_version}`, 'accent')}
        ${badge(`as RabbitMQ ${data.rabbitmq_version}`, '', 'The release line that it behaves as (--compat)')}
        ${ready ? badge(ready, '', `Since ${dateTime(Date.now() - node.uptime)}`) : null}
        ${node?.mem_alarm ? badge('memory alarm: publishers wait', 'bad') : null}`,
    })}
    <div class="stack">
      ${tiles(data, at)}
      <div class="pair">${lengthsPanel(data, at)}${ratesPanel(data, at)}</div>
      <div class="pair">${node ? nodePanel(data, node) : null}${churnPanel(data)}</div>
      ${listenersPanel(data)}
      ${stringsPanel(data)}
      ${may('administrator') ? definitionsPanel() : null}
    </div>`;
}

function tiles({ object_totals: objects, queue_totals: totals }, at) {
  const all = [
    ['Ready', 'messages_ready', totals, 'queues', 'Messages that wait for a consumer'],
    ['Unacknowledged', 'messages_unacknowledged', totals, 'queues', 'Messages that are out and not yet acknowledged'],
    ['Queues', 'queues', objects, 'queues'],
    ['Consumers', 'consumers', objects, 'consumers'],
    ['Connections', 'connections', objects, 'connections'],
    ['Channels', 'channels', objects, 'channels'],
  ];
  return html`<div class="tiles">${all.map(([title, name, from, path, hint]) => html`
    <a class="tile" href=${to([path])} title=${hint}><span>${title}</span><strong>${count(from?.[name] ?? 0)}</strong>
    <spark-line .samples=${gauge(from, name, `overview/${name}`, at)}></spark-line></a>`)}</div>`;
}

function lengthsPanel({ queue_totals: totals }, at) {
  const series = [['messages_ready', 'Ready'], ['messages_unacknowledged', 'Unacknowledged']]
    .map(([name, title]) => ({ name: title, hint: name, samples: gauge(totals, name, `overview/${name}`, at) }));
  return panel('Queued messages', html`<line-chart .series=${series} .span=${range()} .least=${10} .label=${'Queued messages'}></line-chart>`, { actions: rangeChoice() });
}

function ratesPanel({ message_stats: stats }, at) {
  const series = RATES.map(([name, title, hint]) => ({ name: title, hint, samples: rates(stats, name, `overview/${name}`, at) }));
  return panel('Messages per second', html`<line-chart .series=${series} .span=${range()} .least=${10} .format=${rate} .label=${'Messages per second'}></line-chart>`);
}

function nodePanel(data, node) {
  record('node/mem', node.mem_used, Date.now());
  return panel('Node', facts([
    ['Name', node.name], ['Uptime', duration(node.uptime)],
    ['Memory', `${bytes(node.mem_used)} of ${bytes(node.mem_limit)}`, 'mem_used and mem_limit: beyond the limit publishers wait'],
    ['Sockets', node.sockets_used], ['Processors', node.processors], ['Process', node.os_pid],
    ['Default queue type', data.default_queue_type], ['Exchange types', data.exchange_types?.length],
    ['Plugins', (node.enabled_plugins ?? []).join(', ')],
  ]));
}

function churnPanel({ churn_rates: churn }) {
  return panel('Coming and going', facts(CHURN.map(([name, title, hint]) => [title, html`${count(churn?.[name] ?? 0)}${churn?.[`${name}_details`]?.rate ? html` <span class="muted">${rate(churn[`${name}_details`].rate)}</span>` : null}`, hint ?? name])));
}

const LISTENER_COLUMNS = [
  { id: 'protocol', title: 'Protocol', first: true, value: (row) => row.protocol },
  { id: 'address', title: 'Bound to', narrow: true, value: (row) => row.ip_address, cell: (row) => html`<span class="mono">${row.ip_address}</span>` },
  { id: 'port', title: 'Port', numeric: true, narrow: true, value: (row) => row.port },
  { id: 'tls', title: 'TLS', value: (row) => (row.tls ? 'yes' : 'no') },
  { id: 'node', title: 'Node', value: (row) => row.node },
];

function listenersPanel({ listeners }) {
  return panel('Listeners', html`<data-table name="listeners" .name=${'listeners'} .label=${'Listeners'} .small=${true} .rows=${listeners ?? []} .columns=${LISTENER_COLUMNS} .rowkey=${(row) => `${row.protocol} ${row.ip_address} ${row.port}`}></data-table>`);
}

function stringsPanel({ listeners }) {
  const amqp = (listeners ?? []).find((one) => one.protocol === 'amqp');
  const given = { host: location.hostname, port: amqp?.port ?? 5672, user: me().name, vhost: vhostChosen() || '/' };
  return panel('Connect', html`<p class="hint">To the virtual host <strong>${given.vhost}</strong> as <strong>${given.user}</strong>; put the password in.</p>
    <dl class="strings pair">${connectionStrings(given).map(([client, code]) => html`<div class="field"><dt class="hint">${client}</dt><dd>${copyable(code)}</dd></div>`)}</dl>`, { id: 'connect' });
}

