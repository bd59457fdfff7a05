// What happens now. Today the paths that are looked at are asked for every two seconds while the tab is seen;
// only this file knows that.

import { effect, signal } from './signal.js';
import { get, LostError } from './api.js';

const EVERY_MS = 2000;
const RETRY_MS_MAX = 10000;

/** live, paused (by hand or unseen), or lost, with when it is tried again. */
export const connection = signal({ state: 'live' });

/** Whether updates were stopped by hand. */
export const paused = signal(false);

const watches = new Set();

/** How long to wait: a slow answer is asked for less often, so that the page never is what loads the broker. */
const rest = (took) => Math.max(EVERY_MS, took * 5);

class Watch {
  constructor(path, value) {
    this.path = path;
    this.value = value;
    this.failures = 0;
    this.timer = 0;
    this.asked = 0;
  }

  async ask() {
    clearTimeout(this.timer);
    const asked = (this.asked += 1);
    const began = performance.now();
    let wait = EVERY_MS;
    try {
      const data = await get(this.path);
      if (asked !== this.asked) return;
      this.succeed(data);
      wait = rest(performance.now() - began);
    } catch (error) {
      if (asked !== this.asked) return;
      wait = this.fail(error);
    }
    this.again(wait);
  }

  succeed(data) {
    this.failures = 0;
    this.value.set({ data, error: null, at: Date.now() });
    if (connection.peek().state === 'lost') {
      connection.set({ state: 'live' });
      for (const other of watches) if (other !== this) other.ask();
    }
  }

  fail(error) {
    this.failures += 1;
    const wait = Math.min(RETRY_MS_MAX, 500 * 2 ** this.failures);
    if (error instanceof LostError) connection.set({ state: 'lost', retry: Date.now() + wait });
    else this.value.set({ ...this.value.peek(), error });
    return wait;
  }

  again(wait) {
    if (!watches.has(this)) return;
    this.timer = setTimeout(() => (resting() ? this.again(EVERY_MS) : this.ask()), wait);
  }

  stop() {
    watches.delete(this);
    clearTimeout(this.timer);
    this.asked += 1;
  }
}

const resting = () => paused.peek() || document.hidden;

/** What a path answers, kept up to date until `stop`: {data, error, at}; `to` changes the path. */
export function watch(path) {
  const value = signal({ data: undefined, error: null, at: 0 });
  const one = new Watch(path, value);
  watches.add(one);
  one.ask();
  value.stop = () => one.stop();
  value.to = (other) => {
    if (other === one.path) return;
    one.path = other;
    one.ask();
  };
  return value;
}

/** Ask for everything now: something was changed by hand. */
export function refresh() {
  for (const one of watches) one.ask();
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !paused.peek()) refresh();
});

let wasPaused = false;
effect(() => {
  const now = paused();
  if (wasPaused && !now) refresh();
  wasPaused = now;
  if (connection.peek().state !== 'lost') connection.set({ state: now ? 'paused' : 'live' });
});
