// What happens now. A path is asked for once; then the stream of events tells how its answer changes, or that it has to be
// asked for anew. Nothing is asked again and again, and nothing at all while nobody looks.

import { effect, signal } from './signal.js';
import { get, me, LostError } from './api.js';
import { FLOWS, feedOf } from './feeds.js';
import { CHANGED, STALE } from './models.js';
import { begin, connection, forget, isResting, listen, paused, rest, retry, want } from './stream.js';

export { connection, paused };

const SHOW_MS = 100;
const SHOW_MS_MAX = 2000;
/** What was told is asked for as a whole this often at most, while it goes on changing. */
const WHOLE_MS = 5000;
const NEW_MS = 1000;
const FAILED_MS = 5000;
const ASK_MS_MAX = 4000;
/** How many times as long as showing or asking takes it is left alone: the page never is what loads broker or browser. */
const SHARE = 8;

const watches = new Set();

/** What changed since something was shown, and what showing cost. */
const due = new Set();
let timer = 0;
let shownAt = 0;
let cost = 0;

/** All that changed is shown at once, so that a page of many parts is made once. */
function showSoon(one) {
  due.add(one);
  const wait = Math.min(SHOW_MS_MAX, Math.max(SHOW_MS, cost * SHARE));
  timer ||= setTimeout(show, Math.max(0, shownAt + wait - performance.now()));
}

function show() {
  timer = 0;
  const began = performance.now();
  for (const one of due) one.show();
  setTimeout(() => {
    shownAt = performance.now();
    cost = shownAt - began;
  });
}

class Watch {
  constructor(path) {
    this.value = signal({ data: undefined, error: null, at: 0 });
    this.asked = this.askedAt = this.took = 0;
    this.turnTo(path);
  }

  turnTo(path) {
    this.path = path;
    this.feed = feedOf(path);
    this.model = null;
    this.ask();
  }

  async ask() {
    clearTimeout(this.askTimer);
    this.askTimer = 0;
    const asked = (this.asked += 1);
    this.missed = [];
    this.dueAgain = 0;
    await begin();
    if (asked !== this.asked) return;
    const began = performance.now();
    try {
      const data = this.path === FLOWS ? null : await get(this.path);
      if (asked === this.asked) this.answer(data, began);
    } catch (error) {
      if (asked === this.asked) this.fail(error);
    }
  }

  /** News that came while it was asked for may be newer than the answer. */
  answer(data, began) {
    this.took = performance.now() - began;
    this.askedAt = Date.now();
    this.isLost = false;
    this.model = this.feed.make(data);
    const missed = this.missed;
    this.missed = null;
    const dueAgain = this.dueAgain;
    for (const [topic, news] of missed) this.react(this.model.take(topic, news));
    this.show();
    if (dueAgain) this.askSoon(dueAgain);
  }

  fail(error) {
    this.missed = null;
    this.isLost = error instanceof LostError;
    this.askedAt = Date.now();
    if (this.isLost) return void (connection.peek().state === 'lost' || retry());
    this.value.set({ ...this.value.peek(), error });
    if (error.status >= 500) this.askSoon(FAILED_MS);
  }

  hear(topic, news) {
    if (!this.feed.topics.includes(topic)) return;
    this.missed?.push([topic, news]);
    this.react(this.model?.take(topic, news) ?? 0);
    const wait = this.feed.stale(topic, news);
    if (wait && wait !== Infinity) this.askSoon(wait);
  }

  react(verdict) {
    if (verdict & CHANGED) showSoon(this);
    if (verdict & STALE) this.askSoon(verdict & CHANGED && this.feed.ticks ? WHOLE_MS : NEW_MS);
  }

  askSoon(wait) {
    const at = this.askedAt + Math.max(wait, Math.min(ASK_MS_MAX, this.took * SHARE));
    if (this.missed) {
      this.dueAgain ||= wait;
    } else if (!this.askTimer || at < this.askAt) {
      clearTimeout(this.askTimer);
      this.askAt = at;
      this.askTimer = setTimeout(() => this.ask(), Math.max(20, at - Date.now()));
    }
  }

  show() {
    due.delete(this);
    this.value.set({ data: this.model.data, error: null, at: Date.now() });
  }

  settle(at) {
    if (!this.model || this.missed) return;
    if (this.model.settle(at) || this.feed.ticks) showSoon(this);
  }

  stop() {
    watches.delete(this);
    this.asked += 1;
    clearTimeout(this.askTimer);
    due.delete(this);
    retune();
  }
}

function retune() {
  const topics = new Set([...watches].flatMap((one) => one.feed.topics));
  want([...topics].sort().join(','));
}

/** What a path answers, kept up to date until `stop`: {data, error, at}; `to` changes the path. */
export function watch(path) {
  const one = new Watch(path);
  watches.add(one);
  retune();
  const { value } = one;
  value.stop = () => one.stop();
  value.to = (other) => {
    if (other === one.path) return;
    one.turnTo(other);
    retune();
  };
  return value;
}

const askAll = () => watches.forEach((one) => one.ask());

/** Ask for everything now: something was changed by hand. */
export function refresh() {
  if (connection.peek().state === 'lost') retry();
  askAll();
}

listen({
  hear(topic, data) {
    const news = JSON.parse(data);
    for (const one of watches) one.hear(topic, news);
  },
  reset: askAll,
  heal: () => watches.forEach((one) => one.isLost && one.ask()),
});

// What does not happen is not told: numbers come to rest, and charts go on.
setInterval(() => {
  if (isResting() || connection.peek().state === 'lost') return;
  const at = Date.now();
  for (const one of watches) one.settle(at);
}, 1000);

document.addEventListener('visibilitychange', rest);

effect(() => {
  paused();
  rest();
});

effect(() => {
  if (me() === null) forget();
});
