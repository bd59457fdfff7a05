// From what the API lists to a graph: exchanges, queues and programs as nodes, the ways between them as edges.
//
// Node: {id, kind, vhost, name, title, rate, and text, label, link, made when asked for}. Edge: {id, from, to, kind, keys, rate}; kinds are bind,
// alternate, dead (letters), consume and lost.

import { clientName, count, exchangeName, plural, rate } from './format.js';
import { flowKey } from './models.js';
import { to } from './router.js';

/** More are not drawn: nobody could follow them. */
export const NODES_MAX = 240;
/** More that are bound and consumed alike become one; where there is much to draw, already a few do. */
const ALIKE_MAX = 6;
const ALIKE_MAX_CROWDED = 2;
const CROWD = 60;
/** Ends that are compared: what is joined to more is like nothing else. */
const ENDS_MAX = 50;
/** Keys that a line of many bindings tells. */
const KEYS_MAX = 12;

const RANK = { exchange: 0, queue: 1, lost: 1, client: 2 };
const idOf = (kind, vhost, name) => `${kind}\u0000${vhost}\u0000${name}`;

class Graph {
  nodes = new Map();
  edges = new Map();

  add(node) {
    this.nodes.set(node.id, node);
  }

  edge(kind, from, to, key, flowing = 0) {
    if (!this.nodes.has(from) || !this.nodes.has(to)) return;
    const id = wayOf(kind, from, to);
    let edge = this.edges.get(id);
    if (!edge) this.edges.set(id, (edge = { id, kind, from, to, keys: [], rate: 0 }));
    if (key !== undefined && !edge.keys.includes(key)) edge.keys.push(key);
    edge.rate += flowing;
  }
}

const wayOf = (kind, from, to) => `${kind}\u0001${from}\u0001${to}`;

/** What a node shows is made when it is drawn: of ten thousand queues few are. */
class Node {
  constructor(kind, vhost, name, more) {
    Object.assign(this, { id: idOf(kind, vhost, name), kind, vhost, name, title: name, rate: 0 }, more);
  }
}

class ExchangeNode extends Node {
  get text() {
    return `${this.row.type}${this.rate ? ` · ${rate(this.rate)}` : ''}`;
  }

  get link() {
    return to(['exchanges', this.vhost, this.name || 'amq.default']);
  }

  get label() {
    return `Exchange ${this.title}: ${this.row.type}, ${rate(this.rate)}`;
  }
}

class QueueNode extends Node {
  get text() {
    const { messages_ready: ready, messages_unacknowledged: out } = this.row;
    return `${count(ready ?? 0)} ready${out ? ` · ${count(out)} out` : ''}`;
  }

  get link() {
    return to(['queues', this.vhost, this.name]);
  }

  get label() {
    return `Queue ${this.name}: ${this.text.replace(' ·', ',')}, ${plural(this.row.consumers ?? 0, 'consumer')}`;
  }
}

class ClientNode extends Node {
  consumers = 0;
  connections = new Set();

  get text() {
    return plural(this.consumers, 'consumer');
  }

  get link() {
    return this.connections.size === 1 ? to(['connections', [...this.connections][0]]) : to(['consumers'], { filter: this.name });
  }

  get label() {
    return `Program ${this.title}: ${this.text}`;
  }
}

class LostNode extends Node {
  get text() {
    return this.key ? `last key ${this.key}` : 'without a key';
  }

  get link() {
    return to(['exchanges', this.vhost, this.name || 'amq.default']);
  }

  get label() {
    return `${this.title} of exchange ${exchangeName(this.name)}: no queue was bound, ${this.text}`;
  }
}

const keyOf = ({ routing_key: key, arguments: args }) => key || Object.entries(args ?? {}).map(([name, value]) => `${name}: ${value}`).join(', ');

const perSecond = (row, id) => row.message_stats?.[`${id}_details`]?.rate ?? 0;

/** All of it, as it is now. `told`: {exchanges, queues, bindings, consumers, connections, policies, flows}. */
export function wholeGraph(told) {
  const graph = new Graph();
  const policy = new Map(told.policies.map((one) => [`${one.vhost}\u0000${one.name}`, one.definition]));
  for (const row of told.exchanges) addExchange(graph, row);
  for (const row of told.queues) addQueue(graph, row);
  for (const one of told.bindings) {
    if (one.source === '') continue;
    graph.edge('bind', idOf('exchange', one.vhost, one.source), idOf(one.destination_type, one.vhost, one.destination), keyOf(one));
  }
  for (const row of told.exchanges) {
    const alternate = row.arguments?.['alternate-exchange'] ?? policy.get(`${row.vhost}\u0000${row.policy}`)?.['alternate-exchange'];
    if (alternate !== undefined) graph.edge('alternate', idOf('exchange', row.vhost, row.name), idOf('exchange', row.vhost, alternate), 'what is not routed');
  }
  for (const row of told.queues) addDeadLetters(graph, row);
  addClients(graph, told);
  addFlows(graph, told.flows);
  return graph;
}

function addExchange(graph, row) {
  graph.add(new ExchangeNode('exchange', row.vhost, row.name, { title: exchangeName(row.name), row, rate: perSecond(row, 'publish_in') }));
}

function addQueue(graph, row) {
  graph.add(new QueueNode('queue', row.vhost, row.name, { row, rate: perSecond(row, 'publish') + perSecond(row, 'deliver_get') }));
}

function addDeadLetters(graph, row) {
  const exchange = row.arguments?.['x-dead-letter-exchange'] ?? row.effective_policy_definition?.['dead-letter-exchange'];
  if (exchange === undefined) return;
  const key = row.arguments?.['x-dead-letter-routing-key'] ?? row.effective_policy_definition?.['dead-letter-routing-key'];
  const queue = idOf('queue', row.vhost, row.name);
  // Through the default exchange dead letters go straight to the queue of that name.
  if (exchange === '' && key !== undefined) graph.edge('dead', queue, idOf('queue', row.vhost, key), 'dead letters');
  else graph.edge('dead', queue, idOf('exchange', row.vhost, exchange), key === undefined ? 'dead letters' : `dead letters as ${key}`);
}

function addClients(graph, { consumers, connections, flows }) {
  const names = new Map(connections.map((one) => [one.name, clientName(one)]));
  const sharing = new Map();
  const keyed = consumers.map((one) => [flowKey({ vhost: one.queue.vhost, queue: one.queue.name, consumer_tag: one.consumer_tag }), one]);
  for (const [key] of keyed) sharing.set(key, (sharing.get(key) ?? 0) + 1);
  for (const [key, one] of keyed) {
    const { connection_name: connection } = one.channel_details ?? {};
    const name = names.get(connection) ?? connection ?? '?';
    const { vhost } = one.queue;
    const id = idOf('client', vhost, name);
    if (!graph.nodes.has(id)) graph.add(new ClientNode('client', vhost, name));
    const node = graph.nodes.get(id);
    node.consumers += 1;
    node.connections.add(connection);
    // Consumers that have a tag in common are told of as one.
    graph.edge('consume', idOf('queue', vhost, one.queue.name), id, one.consumer_tag, (flows.get(key)?.rate ?? 0) / sharing.get(key));
  }
}

/** Messages of a pair go over its binding, or by the shortest way of bindings between exchanges. */
function addFlows(graph, flows) {
  const ways = new Map();
  for (const edge of graph.edges.values()) {
    if (edge.kind !== 'bind' && edge.kind !== 'alternate') continue;
    if (!ways.has(edge.from)) ways.set(edge.from, []);
    ways.get(edge.from).push(edge);
  }
  for (const { vhost, exchange, queue, routing_key: key, rate: flowing, messages } of flows.values()) {
    if (exchange === undefined) continue;
    const from = idOf('exchange', vhost, exchange);
    const target = queue === undefined ? null : idOf('queue', vhost, queue);
    const direct = target && graph.edges.get(wayOf('bind', from, target));
    if (!target) addLost(graph, from, { vhost, exchange, key, flowing, messages });
    else if (direct) direct.rate += flowing;
    else if (exchange === '') graph.edge('bind', from, target, queue, flowing);
    else for (const edge of shortest(ways, from, target)) edge.rate += flowing;
  }
}

function addLost(graph, from, { vhost, exchange, key, flowing, messages }) {
  if (!graph.nodes.has(from)) return;
  const node = new LostNode('lost', vhost, exchange, { title: `${count(messages)} unroutable`, key });
  graph.add(node);
  graph.edge('lost', from, node.id, 'no queue is bound', flowing);
}

function shortest(ways, from, to) {
  const seen = new Map([[from, null]]);
  const queue = [from];
  for (const here of queue) {
    for (const edge of ways.get(here) ?? []) {
      if (seen.has(edge.to)) continue;
      seen.set(edge.to, edge);
      if (edge.to === to) return trace(seen, edge);
      queue.push(edge.to);
    }
  }
  return [];
}

function trace(seen, last) {
  const all = [];
  for (let edge = last; edge; edge = seen.get(edge.from)) all.push(edge);
  return all;
}

/** What of the graph is drawn: what is filtered by and its neighbours, without what does nothing, alike ones as one. */
export function drawn(graph, { pick, vhost, opened, showsAll }) {
  const edges = [...graph.edges.values()];
  const bound = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  let nodes = [...graph.nodes.values()].filter((node) => !vhost || node.vhost === vhost);
  const all = nodes.length;
  if (!showsAll) nodes = nodes.filter((node) => bound.has(node.id) || !(node.kind === 'exchange' && (node.name === '' || node.name.startsWith('amq.'))));
  const idle = all - nodes.length;
  if (pick) nodes = neighbours(nodes, edges, pick);
  const shown = collapse(nodes, edges, opened);
  const kept = shown.nodes.slice().sort((one, other) => (other.rate ?? 0) - (one.rate ?? 0)).slice(0, NODES_MAX);
  const ids = new Set(kept.map((node) => node.id));
  return {
    nodes: shown.nodes.filter((node) => ids.has(node.id)),
    edges: shown.edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to)),
    left: shown.nodes.length - kept.length, idle,
  };
}

function neighbours(nodes, edges, pick) {
  const found = new Set(nodes.filter((node) => pick(node.title) || pick(node.name)).map((node) => node.id));
  const near = new Set(found);
  for (const { from, to } of edges) {
    if (found.has(from)) near.add(to);
    if (found.has(to)) near.add(from);
  }
  return nodes.filter((node) => near.has(node.id));
}

function collapse(nodes, edges, opened) {
  const ids = new Set(nodes.map((node) => node.id));
  const inside = edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to));
  const signs = new Map(nodes.map((node) => [node.id, []]));
  for (const { kind, from, to } of inside) {
    if (signs.get(from).length < ENDS_MAX) signs.get(from).push(`${kind}>${to}`);
    if (signs.get(to).length < ENDS_MAX) signs.get(to).push(`${kind}<${from}`);
  }
  const alike = new Map();
  for (const node of nodes) {
    const ends = signs.get(node.id);
    const sign = ends.length < ENDS_MAX ? [node.kind, node.vhost, ...ends.sort()].join('\u0002') : node.id;
    if (!alike.has(sign)) alike.set(sign, []);
    alike.get(sign).push(node);
  }
  const into = new Map();
  const kept = [];
  const most = nodes.length > CROWD ? ALIKE_MAX_CROWDED : ALIKE_MAX;
  for (const group of alike.values()) {
    const name = group[0].name;
    if (group.length <= most || group[0].kind === 'lost' || opened.includes(name)) kept.push(...group);
    else kept.push(groupNode(group, name, into));
  }
  return { nodes: kept, edges: merged(inside, into) };
}

function groupNode(group, name, into) {
  const [{ kind, vhost }] = group;
  const id = idOf(`${kind}s`, vhost, name);
  for (const node of group) into.set(node.id, id);
  const title = plural(group.length, kind === 'client' ? 'program' : kind);
  return { id, kind, vhost, name, title, text: `${name}, …`, isGroup: true, rate: group.reduce((sum, node) => sum + (node.rate ?? 0), 0), label: `${title} that are bound alike, like ${name}: show them all` };
}

function merged(edges, into) {
  if (into.size === 0) return edges;
  const all = new Map();
  for (const edge of edges) {
    const from = into.get(edge.from) ?? edge.from;
    const to = into.get(edge.to) ?? edge.to;
    const id = wayOf(edge.kind, from, to);
    const known = all.get(id);
    if (!known) all.set(id, { ...edge, id, from, to, keys: edge.keys.slice() });
    else {
      known.rate += edge.rate;
      if (known.keys.length < KEYS_MAX) known.keys.push(...edge.keys.filter((key) => !known.keys.includes(key)));
    }
  }
  return [...all.values()];
}

export const rankOf = (node) => RANK[node.kind];
