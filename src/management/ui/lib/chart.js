// Charts as SVG: <spark-line> is a small line without axes, <line-chart> has axes, a legend and values under the pointer.

import { html, View } from './html.js';
import { signal } from './signal.js';
import { clockTime, compact } from './format.js';

const NS = 'http://www.w3.org/2000/svg';

function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

const path = (points) => points.map(([x, y], at) => `${at ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

class SparkLine extends View {
  view() {
    const samples = (this.samples ?? []).slice(-60);
    const svg = draw('svg', { viewBox: '0 0 100 28', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    const values = samples.map((one) => one.v);
    // What does not change is a line in the middle, not at the top.
    const most = Math.max(1, ...values) * (Math.min(...values) === Math.max(...values) ? 2 : 1);
    const point = (one, at) => [(at * 100) / Math.max(1, samples.length - 1), 26 - (one.v * 23) / most];
    const points = samples.length > 1 ? samples.map(point) : [[0, 26], [100, samples.length ? point(samples[0], 0)[1] : 26]];
    if (samples.length === 1) points[0][1] = points[1][1];
    draw('path', { class: 'area', d: `${path(points)}L100 28L0 28Z` }, svg);
    draw('path', { class: 'line', d: path(points) }, svg);
    return html`${svg}`;
  }
}
SparkLine.define('spark-line', 'samples');

/** The next round number: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

const SIDE = { left: 48, right: 12, top: 10, bottom: 22 };
const HEIGHT = 190;

class LineChart extends View {
  #width = signal(600);
  #hidden = signal(new Set());
  #pointed = signal(null);
  #observer = new ResizeObserver(([entry]) => this.#width.set(Math.round(entry.contentRect.width)));

  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  view() {
    const series = (this.series ?? []).map((one, at) => ({ ...one, at: one.at ?? at }));
    const shown = series.filter((one) => !this.#hidden().has(one.name));
    const format = this.format ?? compact;
    const frame = this.frame(shown);
    return html`
      <div class="plot" role="img" aria-label=${this.describe(series, format)}
        @pointermove=${(event) => this.point(event, frame)} @pointerleave=${() => this.#pointed.set(null)}>
        ${this.plot(shown, frame, format)}${this.tip(shown, frame, format)}
      </div>
      <div class="legend">${series.map((one) => this.entry(one, format))}</div>`;
  }

  describe(series, format) {
    const values = series.map((one) => `${one.name} ${one.samples.length ? format(one.samples.at(-1).v) : 'unknown'}`);
    return `${this.label ?? 'Chart'}: ${values.join(', ')}`;
  }

  frame(shown) {
    const width = Math.max(220, this.#width());
    const all = shown.flatMap((one) => one.samples);
    const until = all.length ? Math.max(...all.map((one) => one.t)) : Date.now();
    const span = (this.span ?? 120) * 1000;
    const first = all.length ? Math.min(...all.map((one) => one.t)) : until;
    // Until there is a whole span of samples the time that there is fills the width.
    const from = Math.max(until - span, Math.min(first, until - 30000));
    const most = roundUp(Math.max(this.least ?? 1, ...all.filter((one) => one.t >= from).map((one) => one.v)));
    const x = (t) => SIDE.left + ((t - from) * (width - SIDE.left - SIDE.right)) / (until - from);
    const y = (v) => HEIGHT - SIDE.bottom - (v * (HEIGHT - SIDE.top - SIDE.bottom)) / most;
    return { width, from, until, most, x, y };
  }

  plot(shown, frame, format) {
    const svg = draw('svg', { width: frame.width, height: HEIGHT, 'aria-hidden': 'true' });
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = frame.y(frame.most * share);
      draw('line', { class: share ? 'grid' : 'axis', x1: SIDE.left, x2: frame.width - SIDE.right, y1: y, y2: y }, svg);
      if (share * 4 % 2 === 0) draw('text', { x: SIDE.left - 8, y: y + 4, 'text-anchor': 'end' }, svg, format(frame.most * share));
    }
    const ticks = frame.width < 420 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1];
    for (const share of ticks) {
      const t = frame.from + (frame.until - frame.from) * share;
      const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
      draw('text', { x: frame.x(t), y: HEIGHT - 5, 'text-anchor': anchor }, svg, clockTime(t));
    }
    for (const one of shown) {
      const samples = one.samples.filter((sample) => sample.t >= frame.from);
      if (samples.length === 0) continue;
      const points = samples.map((sample) => [frame.x(sample.t), frame.y(sample.v)]);
      if (points.length === 1) draw('circle', { class: `dot series-${one.at}`, cx: points[0][0], cy: points[0][1], r: 2.5 }, svg);
      else draw('path', { class: `line series-${one.at}`, d: path(points) }, svg);
    }
    return svg;
  }

  point(event, frame) {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const share = (x - SIDE.left) / (frame.width - SIDE.left - SIDE.right);
    this.#pointed.set(share >= 0 && share <= 1 ? frame.from + share * (frame.until - frame.from) : null);
  }

  tip(shown, frame, format) {
    const t = this.#pointed();
    if (t === null) return null;
    const nearest = (samples) => samples.reduce((best, one) => (Math.abs(one.t - t) < Math.abs(best.t - t) ? one : best), samples[0]);
    const values = shown.filter((one) => one.samples.length).map((one) => [one, nearest(one.samples)]);
    if (values.length === 0) return null;
    const x = frame.x(Math.max(frame.from, values[0][1].t));
    return html`<div class="cursor" style:left=${`${x}px`}></div>
      <div class="tip" style:left=${`${Math.min(x + 10, frame.width - 150)}px`}>
        <b>${clockTime(values[0][1].t)}</b>
        ${values.map(([one, sample]) => html`<span><i class="swatch series-${one.at}"></i>${one.name}<b>${format(sample.v)}</b></span>`)}
      </div>`;
  }

  entry(one, format) {
    const toggle = () => {
      const hidden = new Set(this.#hidden.peek());
      if (!hidden.delete(one.name)) hidden.add(one.name);
      this.#hidden.set(hidden);
    };
    return html`<button type="button" class="quiet" aria-pressed=${String(!this.#hidden().has(one.name))} title=${one.hint} @click=${toggle}>
      <i class="swatch series-${one.at}"></i>${one.name}<b>${one.samples.length ? format(one.samples.at(-1).v) : '–'}</b>
    </button>`;
  }
}
LineChart.define('line-chart', 'series', 'label', 'format', 'span', 'least');
