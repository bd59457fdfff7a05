// What a path of the API answered, and how news of the stream change it.
//
// `take(topic, news)` returns what came of it: CHANGED to show, STALE to ask anew, both, or 0. `settle(at)` tells whether
// something came to rest meanwhile.

import { Rates, moves, slowed, withRates } from './rates.js';

export const CHANGED = 1;
export const STALE = 2;

const OCTETS = ['recv_oct', 'send_oct'];
const octets = (row) => (OCTETS[0] in row ? Object.fromEntries(OCTETS.map((id) => [id, row[id]])) : null);

/** A row with what was told of it, and what it does per second. */
function merge(rates, key, row, news, at) {
  const merged = { ...row, ...news };
  const flowing = octets(news);
  if (flowing) Object.assign(merged, withRates(row, flowing, rates.of(key, row, flowing, at)));
  if (news.message_stats) {
    const { message_stats: counts } = news;
    merged.message_stats = withRates(row.message_stats, counts, rates.of(key, row.message_stats, counts, at));
  }
  return merged;
}

function slower(row, rates) {
  const merged = octets(row) ? slowed(row, rates) : { ...row };
  if (row.message_stats) merged.message_stats = rates ? withRates(row.message_stats, {}, rates) : slowed(row.message_stats, null);
  return merged;
}

export const vhostAndName = (row) => `${row.vhost}\u0000${row.name}`;
export const byName = (row) => row.name;

/** A list of objects that one topic tells of. */
export class Rows {
  #rates = new Rates();
  #at = new Map();

  constructor(rows, { topic, keyOf, ours, at = Date.now() }) {
    Object.assign(this, { data: rows, topic, keyOf, ours });
    rows.forEach((row, index) => {
      this.#at.set(keyOf(row), index);
      if (moves(row.message_stats) || moves(row)) this.#rates.moving(keyOf(row), at);
    });
  }

  take(topic, { rows, gone }) {
    if (topic !== this.topic) return 0;
    const at = Date.now();
    let verdict = 0;
    const data = [...this.data];
    for (const news of rows.filter(this.ours)) {
      const key = this.keyOf(news);
      const index = this.#at.get(key);
      // What is new is told whole, or has to be asked for.
      if (index === undefined && !('durable' in news)) verdict |= STALE;
      else if (index === undefined) this.#at.set(key, data.push(news) - 1);
      else data[index] = merge(this.#rates, key, data[index], news, at);
      verdict |= CHANGED;
    }
    this.data = data;
    return verdict | this.drop(gone.map(this.keyOf).filter((key) => this.#at.has(key)));
  }

  drop(keys) {
    if (keys.length === 0) return 0;
    const all = new Set(keys);
    this.data = this.data.filter((row) => !all.has(this.keyOf(row)));
    this.#at = new Map(this.data.map((row, index) => [this.keyOf(row), index]));
    return CHANGED;
  }

  settle(at) {
    const all = this.#rates.settle(at).filter(([key]) => this.#at.has(key));
    if (all.length === 0) return false;
    this.data = [...this.data];
    for (const [key, rates] of all) this.data[this.#at.get(key)] = slower(this.data[this.#at.get(key)], rates);
    return true;
  }
}

/** One object that a topic tells of among others. */
export class One {
  #rates = new Rates();

  constructor(data, { topic, ours, at = Date.now() }) {
    Object.assign(this, { data, topic, ours });
    if (moves(data.message_stats) || moves(data)) this.#rates.moving('', at);
  }

  take(topic, { rows, gone }) {
    if (topic !== this.topic) return 0;
    const news = rows.find(this.ours);
    if (news) this.data = merge(this.#rates, '', this.data, news, Date.now());
    return (news ? CHANGED | STALE : 0) | (gone.some(this.ours) ? STALE : 0);
  }

  settle(at) {
    const [one] = this.#rates.settle(at);
    if (one) this.data = slower(this.data, one[1]);
    return Boolean(one);
  }
}

const PARTS = ['message_stats', 'queue_totals', 'churn_rates', 'object_totals'];

/** The sums of everything. */
export class Overview {
  #rates = new Rates();

  constructor(data) {
    this.data = data;
  }

  take(topic, news) {
    if (topic !== 'overview') return 0;
    const at = Date.now();
    const data = { ...this.data };
    for (const part of PARTS) data[part] = withRates(data[part], news[part], this.#rates.of(part, data[part], news[part], at));
    this.data = data;
    return CHANGED;
  }

  settle(at) {
    const parts = this.#rates.settle(at);
    this.data = { ...this.data, ...Object.fromEntries(parts.map(([part, rates]) => [part, slowed(this.data[part], rates)])) };
    return parts.length > 0;
  }
}

const LINES_MAX = 2000;

/** The latest lines of the log. */
export class Lines {
  constructor(data) {
    this.data = data;
  }

  take(topic, line) {
    const { lines } = this.data;
    if (topic !== 'log' || (lines.length && line.seq <= lines.at(-1).seq)) return 0;
    this.data = { lines: [...lines.slice(-LINES_MAX + 1), line] };
    return CHANGED;
  }

  settle() {
    return false;
  }
}

/** Which way messages go: counted since somebody looks, so nothing is known at first. */
export class Flows {
  #rates = new Rates();
  data = new Map();

  take(topic, { rows }) {
    if (topic !== 'flows') return 0;
    const at = Date.now();
    const data = new Map(this.data);
    for (const row of rows) {
      const key = flowKey(row);
      const known = data.get(key);
      const rates = this.#rates.of(key, { messages: known?.messages ?? 0 }, { messages: row.messages }, at);
      data.set(key, { ...row, rate: rates?.messages ?? known?.rate ?? 0 });
    }
    this.data = data;
    return CHANGED;
  }

  settle(at) {
    const all = this.#rates.settle(at);
    this.data = new Map(this.data);
    for (const [key, rates] of all) this.data.set(key, { ...this.data.get(key), rate: rates?.messages ?? 0 });
    return all.length > 0;
  }
}

/** The pair that messages go between. */
export const flowKey = ({ vhost, exchange, queue, consumer_tag: tag }) => [vhost, exchange ?? '', exchange === undefined ? '' : 'e', queue ?? '', tag ?? ''].join('\u0000');

/** What no topic tells: it is asked for anew when something that it shows may have changed. */
export class Plain {
  constructor(data) {
    this.data = data;
  }

  take() {
    return 0;
  }

  settle() {
    return false;
  }
}
