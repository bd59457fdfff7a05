// Arguments and policy keys of queues and exchanges in words: what RabbitMQ's page shows as D, AD, TTL, DLX …

import { badge } from './ui.js';
import { bytes, count, duration } from './format.js';

const amount = (value) => count(value);

/** name: [words, how a value is read, what it does]; the name is that of the argument without `x-`, as in policies. */
export const KNOWN = {
  'queue-type': ['type', String, 'classic, quorum or stream', 'text'],
  'message-ttl': ['messages expire', duration, 'Milliseconds after which a message that waits is dead', 'number'],
  expires: ['deleted when unused', duration, 'Milliseconds without use after which the queue is deleted', 'number'],
  'max-length': ['length limit', amount, 'Messages that may wait', 'number'],
  'max-length-bytes': ['size limit', bytes, 'Bytes of bodies that may wait', 'number'],
  overflow: ['when full', String, 'drop-head, reject-publish or reject-publish-dlx', 'text'],
  'dead-letter-exchange': ['dead letters to', String, 'Exchange that gets messages which expired, were rejected or had no room', 'text'],
  'dead-letter-routing-key': ['dead letter key', String, 'Routing key of dead letters, instead of their own', 'text'],
  'dead-letter-strategy': ['dead letter strategy', String, 'at-most-once or at-least-once', 'text'],
  'single-active-consumer': ['single active consumer', String, 'One consumer gets all, the others wait', 'boolean'],
  'max-priority': ['priorities', amount, 'Highest priority that is told apart', 'number'],
  'delivery-limit': ['delivery limit', amount, 'Deliveries after which a message is dead', 'number'],
  'consumer-timeout': ['consumer timeout', duration, 'Milliseconds that a delivery may be out', 'number'],
  'queue-mode': ['mode', String, 'lazy or default; without a meaning today', 'text'],
  'queue-version': ['version', amount, 'Storage version of classic queues', 'number'],
  'queue-leader-locator': ['leader locator', String, 'client-local or balanced', 'text'],
  'quorum-initial-group-size': ['initial group size', amount, 'Members of a quorum queue at first', 'number'],
  'initial-cluster-size': ['initial cluster size', amount, 'Members of a stream at first', 'number'],
  'max-age': ['kept for', String, 'How long a stream keeps messages: 1h, 7D', 'text'],
  'stream-max-segment-size-bytes': ['segment size', bytes, 'Bytes of a segment of a stream', 'number'],
  'alternate-exchange': ['unroutable to', String, 'Exchange that gets what no binding matches', 'text'],
  'delayed-type': ['routes as', String, 'Type that routes when the delay is over', 'text'],
  'cache-size': ['cache size', amount, 'Keys that deduplication remembers', 'number'],
  'cache-ttl': ['cache expiry', duration, 'Milliseconds that deduplication remembers a key', 'number'],
  'message-deduplication': ['deduplicates', String, 'Drops messages with a key that it has seen', 'boolean'],
};

const FOR_QUEUES = ['message-ttl', 'expires', 'max-length', 'max-length-bytes', 'overflow', 'dead-letter-exchange', 'dead-letter-routing-key', 'dead-letter-strategy', 'single-active-consumer', 'max-priority', 'delivery-limit', 'consumer-timeout', 'max-age', 'stream-max-segment-size-bytes', 'message-deduplication'];
const FOR_EXCHANGES = ['alternate-exchange', 'delayed-type', 'cache-size', 'cache-ttl'];
export const queueArguments = FOR_QUEUES.map((name) => `x-${name}`);
export const exchangeArguments = FOR_EXCHANGES.map((name) => (name === 'alternate-exchange' ? name : `x-${name}`));
export const policyKeys = [...FOR_QUEUES.filter((name) => !['single-active-consumer', 'max-priority', 'message-deduplication'].includes(name)), 'alternate-exchange'];

export const about = (name) => KNOWN[name.replace(/^x-/, '')];

/** The value of an argument, as people read it. */
export function readable(name, value) {
  const known = about(name);
  const isPlain = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
  if (!isPlain) return JSON.stringify(value);
  return known && typeof value === 'number' ? known[1](value) : String(value);
}

function words(name, value) {
  const known = about(name);
  if (!known) return `${name} ${readable(name, value)}`;
  if (value === true) return known[0];
  return `${known[0]} ${name.endsWith('message-ttl') || name.endsWith('expires') ? 'after ' : ''}${readable(name, value)}`;
}

const FLAGS = [
  ['durable', false, 'transient', 'durable: false. Gone after a restart on RabbitMQ'],
  ['auto_delete', true, 'auto-delete', 'auto_delete: true. Deleted with its last consumer or binding'],
  ['exclusive', true, 'exclusive', 'exclusive: true. Of one connection, and deleted with it'],
  ['internal', true, 'internal', 'internal: true. Clients may not publish to it'],
];

/** What is special about a queue or an exchange, each in words, with the argument as a tooltip. */
export function features(object, { brief = false, most = 99 } = {}) {
  const flags = FLAGS.filter(([name, value]) => object[name] === value).map(([, , text, hint]) => badge(text, '', hint));
  const given = Object.entries(object.arguments ?? {}).filter(([name]) => name !== 'x-queue-type');
  const named = given.map(([name, value]) => badge(brief && !/ (to|as)$/.test(about(name)?.[0] ?? '') ? (about(name)?.[0] ?? name) : words(name, value), '', `${name}: ${JSON.stringify(value)}${about(name) ? `. ${about(name)[2]}` : ''}`));
  const all = [...flags, ...named];
  const rest = all.slice(most);
  return rest.length > 0 ? [...all.slice(0, most), badge(`+${rest.length}`, '', featureText(object))] : all;
}

/** The same as text, to sort and filter by. */
export function featureText(object) {
  const flags = FLAGS.filter(([name, value]) => object[name] === value).map(([, , text]) => text);
  return [...flags, ...Object.keys(object.arguments ?? {}).map((name) => about(name)?.[0] ?? name)].join(' ');
}
