// Numbers, times and names, as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (value) => (value == null || Number.isNaN(value) ? '–' : whole.format(value));

/** For small places: 12.3K. */
export const compact = (value) => (value == null ? '–' : value < 10000 ? fine.format(value) : short.format(value));

export const rate = (value) => (value == null ? '–' : `${value > 0 && value < 100 ? fine.format(value) : whole.format(value)}/s`);

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value) {
  if (value == null) return '–';
  const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power && scaled < 100 ? fine.format(scaled) : whole.format(scaled)} ${UNITS[power]}`;
}

/** 3 d 4 h, 5 min 2 s, 800 ms. */
export function duration(ms) {
  if (ms == null) return '–';
  if (ms < 1000) return `${whole.format(ms)} ms`;
  const steps = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  let rest = Math.round(ms / 1000);
  const pieces = [];
  for (const [unit, seconds] of steps) {
    const amount = Math.floor(rest / seconds);
    rest -= amount * seconds;
    if (amount) pieces.push(`${amount} ${unit}`);
  }
  return pieces.slice(0, 2).join(' ');
}

export const clockTime = (ms) => new Date(ms).toLocaleTimeString('en-GB');

export const dateTime = (ms) => (ms == null ? '–' : new Date(ms).toLocaleString('sv-SE'));

/** The default exchange has no name; RabbitMQ's links call it amq.default. */
export const exchangeName = (name) => (name === '' ? '(default exchange)' : name);

/** How a connection calls itself: by what its program said, else by its product. */
export function clientName(connection) {
  const properties = connection.client_properties ?? {};
  return connection.user_provided_name || properties.connection_name || properties.product || connection.name;
}

export const plural = (amount, one, many = `${one.replace(/([^aeiou])y$/, '$1ie')}s`) => `${count(amount)} ${amount === 1 ? one : many}`;
