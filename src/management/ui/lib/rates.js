// From counters to changes per second, over the last two or three seconds that they were heard of.

const WINDOW_MS = 1500;
const SHORTEST_MS = 500;
/** What is not heard of for so long stands still. */
const STILL_MS = 2500;

export class Rates {
  #known = new Map();

  /** What these counters do, when they were `was` and are `now`; null when it is too early to tell. */
  of(key, was, now, at) {
    const known = this.#known.get(key) ?? {};
    this.#known.set(key, known);
    if (!known.older) {
      // What stood still until now came in the last second; of what moved already the rate is known.
      const isNew = !known.heard && Object.keys(now).some((id) => typeof was?.[id] === 'number');
      known.older = isNew ? { at: at - 1000, counts: { ...now, ...was } } : { at, counts: now };
      known.newer = { at, counts: now };
    } else if (at - known.newer.at >= WINDOW_MS) {
      known.older = known.newer;
      known.newer = { at, counts: now };
    }
    known.heard = at;
    known.counts = now;
    return at - known.older.at < SHORTEST_MS ? null : perSecond(known.older, now, at);
  }

  /** It moved when it was asked for: unless it is heard of, it stands still soon. */
  moving(key, at) {
    this.#known.set(key, { heard: at });
  }

  /** What is not heard of becomes slower, until it stands still: pairs of key and rates, null for those that stand. */
  settle(at) {
    const all = [];
    for (const [key, { heard, older, counts }] of this.#known) {
      if (at - heard > STILL_MS) {
        this.#known.delete(key);
        all.push([key, null]);
      } else if (counts && at - heard > SHORTEST_MS) {
        all.push([key, perSecond(older, counts, at)]);
      }
    }
    return all;
  }
}

function perSecond(older, now, at) {
  const span = (at - older.at) / 1000;
  const rate = ([id, count]) => [id, Math.max(0, (count - (older.counts[id] ?? count)) / span)];
  return Object.fromEntries(Object.entries(now).map(rate));
}

/** Counters with their rates beside them, as the API shows them. */
export function withRates(was, now, rates) {
  const merged = { ...was, ...now };
  for (const [id, rate] of Object.entries(rates ?? {})) merged[`${id}_details`] = { ...was?.[`${id}_details`], rate };
  return merged;
}

/** The same with other rates, without any standing still. */
export function slowed(counters, rates) {
  const entries = Object.entries(counters ?? {}).filter(([id, value]) => id.endsWith('_details') && value?.rate !== undefined);
  const rate = (id) => (rates ? rates[id.slice(0, -'_details'.length)] : 0);
  return { ...counters, ...Object.fromEntries(entries.filter(([id]) => rate(id) !== undefined).map(([id, value]) => [id, { ...value, rate: rate(id) }])) };
}

const isDetail = ([id, value]) => id.endsWith('_details') && value?.rate > 0;
export const moves = (counters) => Object.entries(counters ?? {}).some(isDetail);
