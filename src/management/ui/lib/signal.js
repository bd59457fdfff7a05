// Values that tell who read them when they change. Effects run once per turn, however many values changed.

let reader = null;
const due = new Set();

function later(effect) {
  if (due.size === 0) queueMicrotask(runDue);
  due.add(effect);
}

function runDue() {
  for (let turn = 0; due.size > 0 && turn < 100; turn += 1) {
    const now = [...due];
    due.clear();
    for (const effect of now) effect.run();
  }
}

/** A value: call it to read, `set` to change. */
export function signal(value) {
  const readers = new Set();
  const self = () => {
    if (reader) {
      readers.add(reader);
      reader.sources.add(readers);
    }
    return value;
  };
  self.peek = () => value;
  self.set = (next) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const effect of [...readers]) later(effect);
  };
  return self;
}

/** Run `body` now, and again whenever a signal that it read has changed. Returns what stops it. */
export function effect(body) {
  const self = {
    sources: new Set(),
    stopped: false,
    run() {
      if (self.stopped) return;
      forget();
      const outer = reader;
      reader = self;
      try {
        body();
      } finally {
        reader = outer;
      }
    },
  };
  const forget = () => {
    for (const readers of self.sources) readers.delete(self);
    self.sources.clear();
  };
  self.run();
  return () => {
    self.stopped = true;
    due.delete(self);
    forget();
  };
}

/** Read signals without becoming their reader. */
export function untracked(body) {
  const outer = reader;
  reader = null;
  try {
    return body();
  } finally {
    reader = outer;
  }
}

/** A function of one argument that is computed anew only when the arguments are others. */
export function memo(compute) {
  let last = null;
  let value;
  return (...given) => {
    if (!last || given.some((one, at) => one !== last[at])) {
      value = compute(...given);
      last = given;
    }
    return value;
  };
}
