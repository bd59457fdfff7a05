// Which page stands where. RabbitMQ's hash routes are the same, so that links in documents and chats still lead here.

/** What the menu shows: [heading, entries]; an entry is [path, title, icon, key, tag that it needs]. */
export const MENU = [
  ['', [['', 'Overview', 'overview', 'o']]],
  ['Messages', [
    ['exchanges', 'Exchanges', 'exchange', 'e'],
    ['queues', 'Queues', 'queue', 'q'],
    ['topology', 'Topology', 'topology', 't'],
  ]],
  ['Clients', [
    ['connections', 'Connections', 'connection', 'c'],
    ['channels', 'Channels', 'channel', 'h'],
    ['consumers', 'Consumers', 'consumer', 's'],
  ]],
  ['Admin', [
    ['vhosts', 'Virtual hosts', 'vhost', 'v', 'management'],
    ['users', 'Users', 'user', 'u', 'administrator'],
    ['permissions', 'Permissions', 'key', 'r', 'administrator'],
    ['policies', 'Policies', 'policy', 'p', 'management'],
    ['limits', 'Limits', 'limit', 'l', 'management'],
    ['parameters', 'Parameters', 'parameter', 'a', 'policymaker'],
    ['definitions', 'Definitions', 'definitions', 'i', 'administrator'],
    ['features', 'Feature flags', 'flag', 'f', 'management'],
    ['deprecated', 'Deprecated features', 'deprecated', 'd', 'management'],
    ['log', 'Log', 'log', 'j', 'monitoring'],
  ]],
];

/** A pattern of parts, and its module in pages/; what starts with a colon becomes a parameter. */
const ROUTES = [
  ['', 'overview'],
  ['nodes/:node', 'overview'],
  ['cluster-name', 'parameters'],
  ['parameters', 'parameters'],
  ['global-parameters', 'parameters'],
  ['definitions', 'definitions'],
  ['import-succeeded', 'definitions'],
  ['connections', 'connections'],
  ['connections/:name', 'connection'],
  ['channels', 'channels'],
  ['channels/:name', 'channel'],
  ['consumers', 'consumers'],
  ['exchanges', 'exchanges'],
  ['exchanges/:vhost/:name', 'exchange'],
  ['queues', 'queues'],
  ['queues/:vhost/:name', 'queue'],
  ['topology', 'topology'],
  ['log', 'log'],
  ['vhosts', 'vhosts'],
  ['vhosts/:name', 'vhost'],
  ['users', 'users'],
  ['users/:name', 'user'],
  ['permissions', 'permissions'],
  ['policies', 'policies'],
  ['policies/:vhost/:name', 'policies'],
  ['operator_policies/:vhost/:name', 'policies'],
  ['operator-policies/:vhost/:name', 'policies'],
  ['limits', 'limits'],
  ['features', 'features'],
  ['feature-flags', 'features'],
  ['deprecated', 'deprecated'],
  ['deprecated-features', 'deprecated'],
];

/** The module and the parameters of a place, or null. */
export function find(parts) {
  for (const [pattern, module] of ROUTES) {
    const wanted = pattern === '' ? [] : pattern.split('/');
    if (wanted.length !== parts.length) continue;
    if (!wanted.every((one, at) => one[0] === ':' || one === parts[at])) continue;
    const params = wanted.map((one, at) => [one, parts[at]]).filter(([one]) => one[0] === ':');
    return { pattern, module, params: Object.fromEntries(params.map(([one, value]) => [one.slice(1), value])) };
  }
  return null;
}
