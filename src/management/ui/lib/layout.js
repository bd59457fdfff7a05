// A layered layout: exchanges by how far they are from where messages come in, then queues, then programs; in each column
// the order that crosses few lines, each node near what it is joined to.

import { rankOf } from './topology.js';

export const NODE = { height: 44, gap: 12, band: 34 };
const SWEEPS = 4;

/** Places: Map of node id to {x, y}, bands {vhost, y}, and the size. `wide` is the width there is. */
export function layout({ nodes, edges }, wide) {
  const vhosts = [...new Set(nodes.map((node) => node.vhost))].sort();
  const depth = depths(nodes, edges);
  const deepest = Math.max(0, ...depth.values());
  const columnOf = (node) => (node.kind === 'exchange' ? depth.get(node.id) : deepest + rankOf(node));
  // What one virtual host has none of leaves a gap there, so that queues stand below queues.
  const taken = [...new Set(nodes.map(columnOf))].sort((one, other) => one - other);
  const amount = taken.length;
  const width = Math.min(196, Math.max(150, (wide - 2 - (amount - 1) * 72) / amount));
  const space = amount < 2 ? 0 : Math.min(260, Math.max(70, (wide - 2 - amount * width) / (amount - 1)));
  const places = new Map();
  const bands = [];
  const isNamed = vhosts.length > 1;
  let top = 0;
  for (const vhost of vhosts) {
    const columns = columnsOf(nodes.filter((node) => node.vhost === vhost), edges, (node) => taken.indexOf(columnOf(node)), amount);
    if (isNamed) bands.push({ vhost, y: top });
    top += isNamed ? NODE.band : 0;
    const height = placeColumns(columns, edges, places, { top, x: (column) => column * (width + space) + 1 });
    top += height + NODE.band;
  }
  return { places, bands, width, space, size: [amount * (width + space) - space + 2, Math.max(0, top - NODE.band + 4)] };
}

function columnsOf(nodes, edges, columnOf, amount) {
  const columns = Array.from({ length: amount }, () => []);
  for (const node of nodes.slice().sort((one, other) => one.title.localeCompare(other.title, 'en', { numeric: true }))) columns[columnOf(node)].push(node);
  const ids = new Set(nodes.map((node) => node.id));
  const near = joined(edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to)));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const order = sweep % 2 ? columns.slice().reverse() : columns;
    for (let at = 1; at < order.length; at += 1) straighten(order[at], order.slice(0, at), near);
  }
  return columns;
}

/** How many exchanges a message passes before each exchange, at most; circles are cut. */
function depths(nodes, edges) {
  const exchanges = new Set(nodes.filter((node) => node.kind === 'exchange').map((node) => node.id));
  const before = new Map([...exchanges].map((id) => [id, []]));
  for (const { kind, from, to } of edges) if ((kind === 'bind' || kind === 'alternate') && exchanges.has(from) && exchanges.has(to) && from !== to) before.get(to).push(from);
  const depth = new Map();
  const visit = (id, path) => {
    if (depth.has(id)) return depth.get(id);
    if (path.has(id)) return 0;
    path.add(id);
    const most = Math.max(-1, ...before.get(id).map((one) => visit(one, path))) + 1;
    path.delete(id);
    depth.set(id, most);
    return most;
  };
  for (const id of exchanges) visit(id, new Set());
  return depth;
}

function joined(edges) {
  const near = new Map();
  const add = (one, other) => (near.has(one) ? near.get(one).push(other) : near.set(one, [other]));
  for (const { from, to } of edges) {
    add(from, to);
    add(to, from);
  }
  return near;
}

/** Order a column by the middle of what its nodes are joined to in the columns before it. */
function straighten(column, before, near) {
  const position = new Map(before.flatMap((one) => one.map((node, at) => [node.id, at / Math.max(1, one.length - 1)])));
  const middle = new Map(column.map((node, at) => {
    const known = (near.get(node.id) ?? []).map((id) => position.get(id)).filter((one) => one !== undefined);
    return [node.id, known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : at / Math.max(1, column.length - 1)];
  }));
  column.sort((one, other) => middle.get(one.id) - middle.get(other.id));
}

function placeColumns(columns, edges, places, { top, x }) {
  const step = NODE.height + NODE.gap;
  const most = Math.max(1, ...columns.map((one) => one.length));
  const near = joined(edges);
  const tallest = columns.findIndex((one) => one.length === most);
  const order = [...columns.keys()].sort((one, other) => Math.abs(one - tallest) - Math.abs(other - tallest));
  for (const at of order) {
    const column = columns[at];
    let free = 0;
    column.forEach((node, index) => {
      const known = (near.get(node.id) ?? []).map((id) => places.get(id)?.y).filter((y) => y !== undefined && y >= top);
      const wanted = known.length ? known.reduce((sum, y) => sum + y, 0) / known.length - top : free;
      const latest = (most - column.length + index) * step;
      const y = at === tallest ? index * step : Math.min(latest, Math.max(free, wanted));
      places.set(node.id, { x: x(at), y: top + y });
      free = y + step;
    });
  }
  return most * step - NODE.gap;
}
