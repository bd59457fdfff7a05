// How ten clients connect, to copy.

/** [client, what to write], for a host, a port, a user and a virtual host. */
export function connectionStrings({ host, port, user, vhost }) {
  const url = `amqp://${encodeURIComponent(user)}:PASSWORD@${host}:${port}/${vhost === '/' ? '' : encodeURIComponent(vhost)}`;
  const slash = `amqp://${encodeURIComponent(user)}:PASSWORD@${host}:${port}/${encodeURIComponent(vhost)}`;
  return [
    ['Celery (Python)', `app = Celery("app", broker="${url.endsWith('/') ? `${url}/` : url}")`],
    ['pika (Python)', `pika.BlockingConnection(pika.URLParameters("${slash}"))`],
    ['aio-pika (Python)', `await aio_pika.connect_robust("${slash}")`],
    ['amqplib (Node.js)', `await amqp.connect("${slash}")`],
    ['amqp091-go (Go)', `amqp.Dial("${slash}")`],
    ['Java', `factory.setUri("${slash}");\nConnection connection = factory.newConnection();`],
    ['.NET', `var factory = new ConnectionFactory { Uri = new Uri("${slash}") };\nawait using var connection = await factory.CreateConnectionAsync();`],
    ['Bunny (Ruby)', `Bunny.new("${slash}").start`],
    ['php-amqplib (PHP)', `new AMQPStreamConnection('${host}', ${port}, '${user}', 'PASSWORD', '${vhost}');`],
    ['lapin (Rust)', `Connection::connect("${slash}", ConnectionProperties::default()).await?`],
  ];
}
