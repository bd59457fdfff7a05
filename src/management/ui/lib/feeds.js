// Which topics of the stream tell of what a path of the API shows.
//
// A feed: {topics, make(data), stale(topic, news), ticks}. `make` is the model of an answer; `stale` the least milliseconds
// between two requests when the news may have changed what the model cannot know, or 0; `ticks` for what shows time.

import { Flows, Lines, One, Overview, Plain, Rows, byName, vhostAndName } from './models.js';

const SOON = 300;
const SLOW = 2000;
const SELDOM = 5000;

const always = () => true;
const hears = (topic, wait, isAbout) => (heard, news) => (heard === topic && (isAbout ? (news.rows ?? []).some(isAbout) : true) ? wait : 0);
const either = (...all) => (topic, news) => Math.min(...all.map((one) => one(topic, news) || Infinity));

/** News of a change whose name begins with one of these, like queue or binding. */
const changed = (families, isAbout = always, wait = SOON) => hears('topology', wait, (row) => families.includes(row.event.split('.')[0]) && !row.event.startsWith('user.auth') && isAbout(row));

const plain = (topics, stale, more) => ({ topics, make: (data) => new Plain(data), stale, ...more });

const rows = (topic, keyOf, ours, stale) => ({ topics: [topic, 'topology'], make: (data) => new Rows(data, { topic, keyOf, ours }), stale });

const one = (topic, ours, stale) => ({ topics: [topic, 'topology'], make: (data) => new One(data, { topic, ours }), stale, ticks: true });

function declared(family, [vhost, given, ...rest], columns) {
  const inVhost = vhost === undefined ? always : (row) => row.vhost === vhost;
  if (columns === 'name') return plain(['topology'], changed([family.slice(0, -1)], inVhost, 1000));
  if (given === undefined) return rows(family, vhostAndName, inVhost, changed(['policy'], inVhost));
  const name = family === 'exchanges' && given === 'amq.default' ? '' : given;
  if (rest[0] === 'bindings') return plain(['topology'], changed(['binding', 'queue', 'exchange'], inVhost));
  const about = (row) => inVhost(row) && (row.event.startsWith('policy') || row.queue === name || row.name === name);
  return one(family, (row) => inVhost(row) && row.name === name, changed(['consumer', 'policy', 'queue', 'exchange'], about));
}

function clients(family, [name, part], columns) {
  if (columns) return plain(['topology'], changed(['connection'], always, 1000));
  if (part === 'channels') return rows('channels', byName, (row) => row.name.startsWith(`${name} (`), () => 0);
  if (name !== undefined) return one(family, (row) => row.name === name, changed(['channel', 'connection'], (row) => (row.name ?? '').startsWith(name), 1000));
  return rows(family, byName, always, () => 0);
}

const settings = plain(['topology'], changed(['policy', 'vhost', 'user', 'permission', 'topic', 'parameter']));

const FAMILIES = {
  queues: (rest, columns) => declared('queues', rest, columns),
  exchanges: (rest, columns) => declared('exchanges', rest, columns),
  connections: (rest, columns) => clients('connections', rest, columns),
  channels: (rest, columns) => clients('channels', rest, columns),
  consumers: () => plain(['topology'], changed(['consumer', 'connection'], always, 1000)),
  bindings: () => plain(['topology'], changed(['binding', 'queue', 'exchange'], always, 1000)),
  overview: (rest, columns) => (columns ? plain([], () => 0) : { topics: ['overview', 'topology'], make: (data) => new Overview(data), stale: () => 0, ticks: true }),
  nodes: () => plain(['overview'], hears('overview', SELDOM)),
  vhosts: (rest, columns) => (columns || rest[1] ? plain(['topology'], changed(['vhost', 'permission'])) : plain(['topology', 'overview'], either(changed(['vhost']), hears('overview', SLOW)), { ticks: true })),
  users: () => settings,
  permissions: () => settings,
  'topic-permissions': () => settings,
  policies: () => settings,
  'user-limits': () => settings,
  'vhost-limits': () => settings,
  parameters: () => settings,
  'global-parameters': () => settings,
  'feature-flags': () => plain([], () => 0),
};

/** What tells of a path. Of one that is not known any change may be news. */
export function feedOf(path) {
  const [place, query = ''] = path.split('?');
  const [root, family, ...rest] = place.slice(1).split('/').map(decodeURIComponent);
  const columns = new URLSearchParams(query).get('columns');
  if (root === 'api' && FAMILIES[family]) return FAMILIES[family](rest, columns);
  if (path === '/dev/log') return { topics: ['log'], make: (data) => new Lines(data), stale: () => 0 };
  if (path === FLOWS) return { topics: ['flows'], make: () => new Flows(), stale: () => 0 };
  return plain(['topology', 'overview'], either(hears('topology', SLOW), hears('overview', SELDOM)));
}

/** Not a path of the API: which way messages go is only told. */
export const FLOWS = 'flows';
