// What was before: samples that the API keeps, or what this page saw since it was opened.

const KEPT = 400;
const NOW_MS_MIN = 1000;
const NOW_MS_MAX = 15_000;
const series = new Map();

/** Remember a value of now; the same moment is remembered once. */
export function record(key, value, at) {
  if (value == null || !at) return;
  if (!series.has(key)) series.set(key, []);
  const samples = series.get(key);
  if (samples.length && at - samples[samples.length - 1].t < 500) return;
  samples.push({ t: at, v: value });
  if (samples.length > KEPT) samples.splice(0, samples.length - KEPT);
}

/** Parameters that make the API send samples. */
export function sampleQuery(seconds) {
  const step = Math.max(5, Math.round(seconds / 120));
  return ['lengths', 'msg_rates', 'data_rates'].map((one) => `${one}_age=${seconds}&${one}_incr=${step}`).join('&');
}

/** Values over time: from the API's samples where it sent some, else as seen here. */
export function gauge(stats, name, key, at) {
  record(key, stats?.[name], at);
  return fromApi(stats, name, at) ?? [...(series.get(key) ?? [])];
}

/** Changes per second over time of a counter. */
export function rates(stats, name, key, at) {
  record(key, stats?.[name], at);
  return derive(fromApi(stats, name, at) ?? series.get(key) ?? []);
}

/** The samples of the API, and what is now as the last one: samples are up to some seconds old. */
function fromApi(stats, name, at) {
  const details = stats?.[`${name}_details`];
  if (!details?.samples?.length) return null;
  const samples = details.samples.map(({ timestamp, sample }) => ({ t: timestamp, v: sample })).reverse();
  const age = at - samples.at(-1).t;
  // A browser whose clock is another one's does not know how old they are.
  return age > NOW_MS_MIN && age < NOW_MS_MAX ? [...samples, { t: at, v: stats[name] }] : samples;
}

function derive(samples) {
  return samples.slice(1).map((one, at) => {
    const before = samples[at];
    // A counter that fell was reset: that is no rate.
    return { t: one.t, v: Math.max(0, ((one.v - before.v) * 1000) / (one.t - before.t)) };
  });
}
