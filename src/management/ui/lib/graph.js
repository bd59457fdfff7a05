// <topology-graph>: the graph as SVG. Drawn anew only when it is another graph; numbers move without that, so that who is
// at a node with the keyboard stays there.

import { html, View } from './html.js';
import { signal } from './signal.js';
import { rate } from './format.js';
import { NODE, layout } from './layout.js';

const NS = 'http://www.w3.org/2000/svg';

function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/** Inside of the frame, left and right. */
const FRAME_PX = 38;

const DASHED = new Set(['dead', 'alternate']);

class TopologyGraph extends View {
  #width = signal(0);
  #observer = new ResizeObserver(([entry]) => this.#width.set(Math.round(entry.contentRect.width)));
  #drawn = null;

  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  view() {
    const { graph } = this;
    const width = this.#width();
    if (!graph || !width) return null;
    const shape = [width, ...graph.nodes.map((node) => node.id), ...graph.edges.map((edge) => edge.id)].join('\n');
    if (this.#drawn?.shape !== shape) this.#drawn = { shape, ...this.build(graph, width) };
    this.refresh(graph);
    return html`<div class="graph-scroll" tabindex="0" role="region" aria-label="Topology">${this.#drawn.svg}</div>`;
  }

  build(graph, width) {
    const focused = this.querySelector('a:focus')?.dataset.id;
    const plan = layout(graph, width - FRAME_PX);
    const svg = draw('svg', { width: plan.size[0], height: plan.size[1], class: 'graph', role: 'group', 'aria-label': 'Exchanges, queues and programs' });
    const defs = draw('defs', {}, svg);
    const arrow = draw('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto' }, defs);
    draw('path', { d: 'M0 0L8 4L0 8Z', fill: 'context-stroke', stroke: 'none' }, arrow);
    for (const { vhost, y } of plan.bands) draw('text', { class: 'band', x: 1, y: y + 18 }, svg, `Virtual host ${vhost}`);
    const lines = draw('g', { 'aria-hidden': 'true' }, svg);
    const labels = draw('g', { 'aria-hidden': 'true' });
    const edges = new Map(graph.edges.map((edge) => [edge.id, drawEdge(edge, plan, lines, labels)]));
    const nodes = new Map(graph.nodes.map((node) => [node.id, this.drawNode(node, plan, svg)]));
    svg.append(labels);
    if (focused) requestAnimationFrame(() => this.querySelector(`a[data-id="${CSS.escape(focused)}"]`)?.focus());
    listen(svg, graph, edges);
    return { svg, edges, nodes };
  }

  drawNode(node, plan, svg) {
    const { x, y } = plan.places.get(node.id);
    const link = draw('a', { href: node.link ?? this.open(node), class: `node ${node.kind}${node.isGroup ? ' alike' : ''}`, 'data-id': node.id, transform: `translate(${x} ${y})` }, svg);
    if (node.isGroup) draw('rect', { class: 'behind', x: 4, y: 4, width: plan.width - 4, height: NODE.height - 1, rx: 8 }, link);
    draw('rect', { class: 'box', width: plan.width - (node.isGroup ? 4 : 0), height: NODE.height - (node.isGroup ? 3 : 0), rx: node.kind === 'exchange' ? 22 : 8 }, link);
    const hint = draw('title', {}, link);
    const inset = node.kind === 'exchange' ? 18 : 12;
    const most = Math.floor((plan.width - 2 * inset) / 7.1);
    const name = draw('text', { class: 'name', x: inset, y: 19 }, link);
    const text = draw('text', { class: 'text', x: inset, y: 35 }, link);
    return { link, hint, name, text, most };
  }

  /** Numbers, as they are now. */
  refresh(graph) {
    const { edges, nodes } = this.#drawn;
    for (const node of graph.nodes) {
      const parts = nodes.get(node.id);
      set(parts.name, shortened(node.title, parts.most));
      set(parts.text, shortened(node.text, Math.floor(parts.most * 1.15)));
      // The name for screen readers too: it tells what it is, and is never shortened.
      set(parts.hint, node.label);
    }
    for (const edge of graph.edges) {
      const { line, label } = edges.get(edge.id);
      const width = edge.rate > 0 ? Math.min(6, 1.5 + Math.log10(1 + edge.rate)) : 1.25;
      line.style.setProperty('stroke-width', width.toFixed(2));
      line.classList.toggle('flows', edge.rate > 0);
      set(label, edge.rate > 0 ? rate(edge.rate) : '');
    }
  }
}
TopologyGraph.define('topology-graph', 'graph', 'open');

/** What is pointed at, or has the focus, shows its own lines before all others. */
function listen(svg, graph, edges) {
  const light = (id) => {
    svg.classList.toggle('lit', Boolean(id));
    for (const { id: edge, from, to } of graph.edges) {
      const { line, label } = edges.get(edge);
      const isNear = id !== undefined && (id === from || id === to);
      line.classList.toggle('near', isNear);
      label.classList.toggle('near', isNear);
    }
  };
  const idOf = (event) => event.target.closest('a[data-id]')?.dataset.id;
  for (const event of ['pointerover', 'focusin']) svg.addEventListener(event, (one) => light(idOf(one)));
  for (const event of ['pointerleave', 'focusout']) svg.addEventListener(event, () => light());
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function drawEdge(edge, { places, width, space }, lines, labels) {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  const middle = NODE.height / 2;
  const isBack = to.x <= from.x;
  const isSame = to.x === from.x;
  const start = [isBack && !isSame ? from.x : from.x + width, from.y + middle + (isBack ? 8 : 0)];
  const end = [isBack ? to.x + width + 1 : to.x - 1, to.y + middle + (isBack ? 8 : 0)];
  // Within a column a line leaves and comes back on the right.
  const reach = isSame ? 46 : Math.max(36, Math.abs(end[0] - start[0]) / 2);
  const bend = isSame ? [start[0] + reach, end[0] + reach] : isBack ? [start[0] - reach, end[0] + reach] : [start[0] + reach, end[0] - reach];
  const d = `M${start[0]} ${start[1]}C${bend[0]} ${start[1]} ${bend[1]} ${end[1]} ${end[0]} ${end[1]}`;
  const line = draw('path', { class: `way ${edge.kind}${DASHED.has(edge.kind) ? ' dashed' : ''}`, d, 'marker-end': 'url(#arrow)' }, lines);
  draw('title', {}, line, edge.keys.slice(0, 12).join('\n'));
  // Between two columns, at the queue: there lines are apart.
  const away = Math.min(56, space / 2);
  const share = edge.kind === 'consume' ? shareAt(start[0] + away, start[0], bend, end[0]) : shareAt(end[0] - away, start[0], bend, end[0]);
  const [x, y] = [curve(share, start[0], ...bend, end[0]), curve(share, start[1], start[1], end[1], end[1])];
  const label = draw('text', { class: `flow-rate ${edge.kind}`, x, y: y + 4, 'text-anchor': 'middle' }, labels);
  return { line, label };
}

const curve = (share, a, b, c, d) => (1 - share) ** 3 * a + 3 * (1 - share) ** 2 * share * b + 3 * (1 - share) * share ** 2 * c + share ** 3 * d;

/** How far along a line comes to `x`. */
function shareAt(x, from, bend, to) {
  let [low, high] = [0, 1];
  for (let step = 0; step < 12; step += 1) {
    const middle = (low + high) / 2;
    if ((curve(middle, from, ...bend, to) < x) === (from < to)) low = middle;
    else high = middle;
  }
  return low;
}
