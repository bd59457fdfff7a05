// What was before: samples that the API keeps, or what this page saw since it was opened.

const KEPT = 400;
const GAP_MS = 900;
/** Rates are of no less than that: single deliveries are no news. */
const SPAN_MS = 2000;
const AGE_MS_MAX = 15_000;
const series = new Map();
const shifts = new WeakMap();

/** Remember a value of now; the same moment is remembered once. */
export function record(key, value, at) {
  if (value == null || !at) return;
  if (!series.has(key)) series.set(key, []);
  const samples = series.get(key);
  if (samples.length && at - samples.at(-1).t < GAP_MS) return;
  samples.push({ t: at, v: value });
  // The older half is thinned: a page that is open for hours still shows all of them.
  if (samples.length > KEPT) series.set(key, samples.filter((_, index) => index > KEPT / 2 || index % 2 === 0));
}

/** Parameters that make the API send samples. */
export function sampleQuery(seconds) {
  const step = Math.max(5, Math.round(seconds / 120));
  return ['lengths', 'msg_rates', 'data_rates'].map((one) => `${one}_age=${seconds}&${one}_incr=${step}`).join('&');
}

/** Values over time: the API's samples where it sent some, and what was seen here since. */
export function gauge(stats, name, key, at) {
  record(key, stats?.[name], at);
  const before = fromApi(stats?.[`${name}_details`]?.samples ?? [], at);
  const since = before.length ? before.at(-1).t + GAP_MS : 0;
  return [...before, ...(series.get(key) ?? []).filter((one) => one.t > since)];
}

/** Changes per second over time of a counter. */
export function rates(stats, name, key, at) {
  return derive(gauge(stats, name, key, at));
}

function fromApi(samples, at) {
  if (samples.length === 0) return [];
  if (!shifts.has(samples)) shifts.set(samples, shiftOf(samples, at));
  const shift = shifts.get(samples);
  return samples.map(({ timestamp, sample }) => ({ t: timestamp + shift, v: sample })).reverse();
}

/** A browser whose clock is another one's: its time counts. */
function shiftOf([last, before], at) {
  const step = before ? last.timestamp - before.timestamp : 0;
  const age = at - last.timestamp;
  return age < -1000 || age > AGE_MS_MAX + step ? age : 0;
}

function derive(samples) {
  const all = [];
  let from = 0;
  for (let at = 1; at < samples.length; at += 1) {
    while (samples[at].t - samples[from + 1].t >= SPAN_MS) from += 1;
    const span = samples[at].t - samples[from].t;
    // A counter that fell was reset: that is no rate.
    if (span > 0) all.push({ t: samples[at].t, v: Math.max(0, ((samples[at].v - samples[from].v) * 1000) / span) });
  }
  return all;
}
