// Which way messages go: exchanges, bindings, queues and the programs that consume, drawn, with what flows now.

import { html } from '../lib/html.js';
import { FLOWS } from '../lib/feeds.js';
import { exchangeName, plural, rate } from '../lib/format.js';
import { vhostChosen } from '../lib/settings.js';
import { route, setQuery, to } from '../lib/router.js';
import { empty, failed, head, icon, tabs } from '../lib/ui.js';
import { NODES_MAX, drawn, wholeGraph } from '../lib/topology.js';
import '../lib/graph.js';
import '../lib/table.js';

const COLUMNS = ['name', 'vhost', 'type', 'durable', 'arguments', 'effective_policy_definition', 'messages_ready', 'messages_unacknowledged', 'consumers', 'message_stats'];

const KINDS = { bind: 'binding', alternate: 'alternate exchange', dead: 'dead letters', consume: 'consumes', lost: 'unroutable' };

export default function topology({ watch }) {
  const sources = {
    exchanges: watch('/api/exchanges'),
    queues: watch(`/api/queues?columns=${COLUMNS.join(',')}`),
    bindings: watch('/api/bindings'),
    consumers: watch('/api/consumers'),
    connections: watch('/api/connections?columns=name,user_provided_name,client_properties'),
    policies: watch('/api/policies'),
  };
  const flows = watch(FLOWS);
  return {
    title: 'Topology',
    view: () => {
      const answers = Object.entries(sources).map(([name, one]) => [name, one()]);
      const error = answers.map(([, one]) => one.error).find(Boolean);
      const isThere = answers.every(([, one]) => one.data !== undefined || one.error);
      const told = Object.fromEntries(answers.map(([name, one]) => [name, one.data ?? []]));
      return html`${head({ title: 'Topology' })}${failed(error)}
        ${isThere ? body({ ...told, flows: flows().data ?? new Map() }) : html`<div class="loading" role="status">Loading…</div>`}`;
    },
  };
}

const openedOf = (query) => (query.open ? query.open.split('\u0000') : []);

function body(told) {
  const { query } = route();
  const graph = wholeGraph(told);
  const wanted = (query.filter ?? '').toLowerCase();
  const options = { pick: wanted ? (text) => text.toLowerCase().includes(wanted) : null, vhost: vhostChosen(), opened: openedOf(query), showsAll: query.all === '1' };
  return html`${tabs('view', [
    { id: 'graph', title: 'Graph', view: () => graphTab(drawn(graph, options), query) },
    { id: 'table', title: 'Table', view: () => tableTab(graph, options.vhost) },
  ])}`;
}

const open = (node) => to(['topology'], { ...route.peek().query, open: [...openedOf(route.peek().query), node.name].join('\u0000') });

function graphTab(shown, query) {
  return html`<div class="table-bar">
      <label class="search">${icon('search')}<span class="unseen">Filter</span><input type="search" placeholder="Filter, with neighbours" .value=${query.filter ?? ''} data-filter="true" spellcheck="false" @input=${({ target }) => setQuery({ filter: target.value })}></label>
      <label class="tick"><input type="checkbox" .checked=${query.all === '1'} @change=${({ target }) => setQuery({ all: target.checked ? '1' : '' })}>Unused exchanges</label>
      ${query.open ? html`<button type="button" class="plain" @click=${() => setQuery({ open: '' })}>Collapse</button>` : null}
      <span class="grow"></span>${legend}</div>
    ${shown.nodes.length ? html`<topology-graph .graph=${shown} .open=${open}></topology-graph>` : nothing(query)}
    <p class="hint below-it" role="status">${notes(shown)}</p>`;
}

function nothing({ filter }) {
  return html`<div class="table-empty">${filter ? empty(`Nothing matches “${filter}”`, '') : empty('Nothing to draw yet', 'Exchanges, queues and programs appear here when there are some:', "curl -u guest:guest -X PUT http://localhost:15672/api/queues/%2F/orders -d '{\"durable\":true}'")}</div>`;
}

function notes({ nodes, left, idle }) {
  const all = [plural(nodes.length, 'object'), 'rates are counted since this page is open'];
  if (left > 0) all.push(`${plural(left, 'more is', 'more are')} left out, since more than ${NODES_MAX} cannot be read: filter, or choose a virtual host`);
  if (idle > 0) all.push(`${plural(idle, 'exchange')} of the broker's own that nothing is bound to ${idle === 1 ? 'is' : 'are'} hidden`);
  return `${all.join('; ')}.`;
}

const sample = (kind, text) => html`<span><svg width="26" height="8" aria-hidden="true"><path class=${`way flows ${kind}`} d="M0 4H26"></path></svg>${text}</span>`;
const legend = html`<div class="graph-legend">${sample('bind', 'binding')}${sample('consume', 'consumes')}${sample('dead dashed', 'dead letters')}${sample('alternate dashed', 'alternate')}${sample('lost', 'unroutable')}</div>`;

const nameOf = (node) => (node.kind === 'lost' ? 'nowhere' : node.title);
const link = (node) => (node.kind === 'lost' ? html`<span class="bad-text">nowhere</span>` : html`<a href=${node.link}>${node.title}</a>`);

const TABLE_COLUMNS = [
  { id: 'from', title: 'From', first: true, value: (row) => row.fromNode.title, cell: (row) => link(row.fromNode) },
  { id: 'kind', title: 'Way', value: (row) => KINDS[row.kind] },
  { id: 'key', title: 'Key or tag', value: (row) => row.keys.join(' '), cell: (row) => html`<code>${row.keys.join(', ') || '–'}</code>` },
  { id: 'to', title: 'To', narrow: true, value: (row) => nameOf(row.toNode), cell: (row) => link(row.toNode) },
  { id: 'vhost', title: 'Virtual host', value: (row) => row.vhost },
  { id: 'rate', title: 'Per second', numeric: true, narrow: true, value: (row) => row.rate, cell: (row) => rate(row.rate) },
];

function tableTab(graph, vhost) {
  const rows = [...graph.edges.values()].map((edge) => ({ ...edge, vhost: graph.nodes.get(edge.from).vhost, fromNode: graph.nodes.get(edge.from), toNode: graph.nodes.get(edge.to) })).filter((row) => !vhost || row.vhost === vhost);
  return html`<data-table .main=${true} .name=${'topology'} .label=${'Ways of messages'} .noun=${'way'} .sort=${'from'} .rows=${rows} .columns=${TABLE_COLUMNS} .rowkey=${(row) => row.id} .empty=${empty('Nothing is bound', `Messages to ${exchangeName('')} reach the queue of their key.`)}></data-table>`;
}
