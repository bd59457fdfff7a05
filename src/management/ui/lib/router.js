// Where we are, from the hash: #/queues/%2F/orders?filter=x. Every state of a page is in there.

import { signal } from './signal.js';
import { vhostChosen } from './settings.js';

function parse() {
  const hash = location.hash.replace(/^#/, '') || '/';
  const [path, query = ''] = hash.split('?');
  const parts = path.split('/').filter((part, at) => part !== '' || at > 1);
  return { path, parts: parts.map(decode), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The place shown: its path, its parts and its query. */
export const route = signal(parse());

addEventListener('hashchange', () => route.set(parse()));

/** A link to a place: parts are escaped as RabbitMQ's links are. */
export function to(parts, query = {}) {
  const path = `#/${parts.map(encodeURIComponent).join('/')}`;
  const chosen = vhostChosen.peek();
  return path + text(chosen && !('vhost' in query) && parts.length < 2 ? { ...query, vhost: chosen } : query);
}

function text(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

export function go(link) {
  location.hash = link;
}

/** Change the query where we are; the way back leads past it. */
export function setQuery(changes) {
  const { path, query } = route.peek();
  history.replaceState(null, '', `#${path}${text({ ...query, ...changes })}`);
  route.set(parse());
}
