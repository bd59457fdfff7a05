// Every page, as the shop of broker.mjs fills it. `{connection}` and `{channel}` are the name of one that is there.

export const PLACES = [
  ['overview', '/'],
  ['queues', '/queues'],
  ['queue', '/queues/%2F/orders.billing'],
  ['queue-messages', '/queues/%2F/celery?show=messages'],
  ['queue-consumers', '/queues/%2F/orders.billing?show=consumers'],
  ['queue-bindings', '/queues/%2F/orders.billing?show=bindings'],
  ['queue-publish', '/queues/%2F/orders.billing?show=publish'],
  ['exchanges', '/exchanges'],
  ['exchange', '/exchanges/%2F/orders'],
  ['exchange-default', '/exchanges/%2F/amq.default'],
  ['queue-out', '/queues/%2F/orders.billing?show=messages&state=unacked'],
  ['exchange-explain', '/exchanges/%2F/orders?show=explain&key=order.paid'],
  ['exchange-delayed', '/exchanges/%2F/reminders?show=delayed'],
  ['exchange-publish', '/exchanges/%2F/orders?show=publish'],
  ['topology', '/topology'],
  ['topology-table', '/topology?view=table'],
  ['connections', '/connections'],
  ['connection', '/connections/{connection}'],
  ['channels', '/channels'],
  ['channel', '/channels/{channel}'],
  ['consumers', '/consumers'],
  ['vhosts', '/vhosts'],
  ['vhost', '/vhosts/%2F'],
  ['users', '/users'],
  ['user', '/users/shop'],
  ['permissions', '/permissions?user=shop&name=orders.billing'],
  ['policies', '/policies'],
  ['limits', '/limits'],
  ['parameters', '/parameters'],
  ['definitions', '/definitions'],
  ['features', '/features'],
  ['deprecated', '/deprecated'],
  ['log', '/log'],
];

/** The places with names that are there now. */
export async function places(broker) {
  const [connection] = await broker.api('GET', 'connections');
  const [channel] = await broker.api('GET', 'channels');
  const fill = (path) => path.replace('{connection}', encodeURIComponent(connection.name)).replace('{channel}', encodeURIComponent(channel.name));
  return PLACES.map(([name, path]) => [name, fill(path)]);
}
