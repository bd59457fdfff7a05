// A broker of our own on free ports, and something in it to look at.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import amqp from 'amqplib';

const START_MS_MAX = 20_000;

export class Broker {
  static async start(...options) {
    const broker = new Broker();
    broker.folder = mkdtempSync(join(tmpdir(), 'leveret-ui-'));
    broker.options = options;
    await broker.run(['--port', '0', '--management-port', '0']);
    return broker;
  }

  async run(ports) {
    const file = join(this.folder, 'ports');
    rmSync(file, { force: true });
    this.process = spawn(process.env.LEVERET, [...ports, '--host', '127.0.0.1', '--prometheus-port', '0', '--ports-file', file, ...this.options], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, LEVERET_RUNTIME_DIR: this.folder, RUST_LOG: 'error' },
    });
    for (const until = Date.now() + START_MS_MAX; ; await sleep(30)) {
      try {
        this.ports = JSON.parse(readFileSync(file, 'utf8'));
        break;
      } catch (error) {
        if (Date.now() > until) throw new Error('the broker did not start', { cause: error });
      }
    }
  }

  get port() {
    return this.ports.amqp;
  }

  get management() {
    return this.ports.management;
  }

  get url() {
    return `http://127.0.0.1:${this.management}`;
  }

  /** End it; it can be started again on the same ports. */
  async stop() {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  async startAgain() {
    await this.run(['--port', String(this.port), '--management-port', String(this.management)]);
  }

  async end() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async api(method, path, body) {
    const response = await fetch(`${this.url}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return response.status === 404 ? null : text && JSON.parse(text);
  }

  connect(name, vhost = '/', user = 'guest', password = user) {
    return amqp.connect(`amqp://${user}:${password}@127.0.0.1:${this.port}/${encodeURIComponent(vhost)}`, { clientProperties: { connection_name: name } });
  }

  /** Come with a password that is wrong. */
  async refuse(user) {
    await this.connect('refused', '/', user, 'wrong').then(() => Promise.reject(new Error('let in')), () => {});
  }
}

const TASK = {
  lang: 'py', task: 'shop.tasks.send_receipt', id: '5c1f9d0e-0b1c-4a5e-9c1c-1d5d0a1f7e10', root_id: '5c1f9d0e-0b1c-4a5e-9c1c-1d5d0a1f7e10', parent_id: null, group: null,
  retries: 2, eta: null, expires: null, timelimit: [300, 60], origin: 'gen71@web-1', argsrepr: "(4711,)", kwargsrepr: "{'copy': True}",
};

/** Objects and programs as a small shop has them. */
export async function furnish(broker) {
  const put = (path, body = {}) => broker.api('PUT', path, body);
  await put('vhosts/staging', { description: 'Rehearsals', tags: 'rehearsal', default_queue_type: 'quorum' });
  await put('permissions/staging/guest', { configure: '.*', write: '.*', read: '.*' });
  await put('users/shop', { password: 'shop', tags: '' });
  await put('permissions/%2F/shop', { configure: '^orders', write: '.*', read: '^orders\\.' });
  await put('users/ops', { password: 'ops', tags: 'monitoring' });
  await put('exchanges/%2F/orders', { type: 'topic', durable: true, arguments: { 'alternate-exchange': 'unrouted' } });
  await put('exchanges/%2F/unrouted', { type: 'fanout', durable: true });
  await put('exchanges/%2F/dead', { type: 'direct', durable: true });
  await put('exchanges/%2F/reminders', { type: 'x-delayed-message', durable: true, arguments: { 'x-delayed-type': 'topic' } });
  await put('queues/%2F/orders.billing', { durable: true, arguments: { 'x-dead-letter-exchange': 'dead', 'x-message-ttl': 3600000, 'x-max-length': 100000 } });
  await put('queues/%2F/orders.shipping', { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5, 'x-single-active-consumer': true } });
  await put('queues/%2F/orders.audit', { durable: true, arguments: { 'x-queue-type': 'stream', 'x-max-age': '7D' } });
  await put('queues/%2F/dead-letters', { durable: true });
  await put('queues/%2F/celery', { durable: true, arguments: { 'x-max-priority': 10 } });
  await put('queues/staging/orders.billing', { durable: true });
  const bind = (queue, key, from = 'orders') => broker.api('POST', `bindings/%2F/e/${from}/q/${queue}`, { routing_key: key, arguments: {} });
  await bind('orders.billing', 'order.paid');
  await bind('orders.billing', 'order.refunded');
  await bind('orders.shipping', 'order.paid');
  await bind('orders.audit', '#');
  await bind('dead-letters', 'orders.billing', 'dead');
  await bind('orders.billing', 'remind.#', 'reminders');
  for (const [customer, delay] of [[7, 3_600_000], [12, 900_000], [4, 86_400_000]]) {
    const properties = { content_type: 'application/json', headers: { 'x-delay': delay } };
    await broker.api('POST', 'exchanges/%2F/reminders/publish', { routing_key: 'remind.customer', payload: JSON.stringify({ customer, text: 'Your basket misses you' }), payload_encoding: 'string', properties });
  }
  await put('policies/%2F/keep-short', { pattern: '^orders\\.', 'apply-to': 'queues', priority: 5, definition: { 'max-length': 5000, 'message-ttl': 600000 } });
  await put('topic-permissions/%2F/shop', { exchange: 'orders', write: '^order\\.', read: '.*' });
  await put('vhost-limits/staging/max-queues', { value: 50 });
  await put('user-limits/shop/max-connections', { value: 20 });
}

/** Programs that publish and consume until they are ended. */
export async function work(broker) {
  const [web, billing, shipping] = await Promise.all(['web-1 orders', 'billing worker', 'shipping worker'].map((name) => broker.connect(name)));
  const publisher = await web.createConfirmChannel();
  const biller = await billing.createChannel();
  await biller.prefetch(20);
  let isOver = false;
  const settle = (channel, message) => isOver || channel.ack(message);
  const out = [];
  await biller.consume('orders.billing', (message) => {
    out.push(message);
    if (out.length > 12) settle(biller, out.shift());
  });
  const shipper = await shipping.createChannel();
  await shipper.prefetch(5);
  await shipper.consume('orders.shipping', (message) => setTimeout(() => settle(shipper, message), 20).unref());
  let round = 0;
  const once = () => {
    // What nobody wants: the page shows it in red.
    if ((round += 1) % 4 === 1) publisher.publish('dead', 'orders.returns', Buffer.from('{}'), { contentType: 'application/json' });
    for (let at = 0; at < 6; at += 1) {
      const key = ['order.paid', 'order.refunded', 'order.viewed'][at % 3];
      publisher.publish('orders', key, Buffer.from(JSON.stringify({ order: 4711 + at, total: 23.5 })), { contentType: 'application/json', persistent: true });
    }
  };
  once();
  const timer = setInterval(once, 150);
  publisher.publish('', 'celery', Buffer.from(JSON.stringify([[4711], { copy: true }, { callbacks: null, errbacks: null, chain: null, chord: null }])), { contentType: 'application/json', contentEncoding: 'utf-8', headers: TASK, correlationId: TASK.id, replyTo: 'result-queue', priority: 3 });
  publisher.publish('', 'celery', gzipSync(JSON.stringify({ zipped: true, lines: [1, 2, 3] })), { contentType: 'application/json', contentEncoding: 'gzip' });
  publisher.publish('', 'celery', Buffer.from([0, 1, 2, 253, 254, 255]), { contentType: 'application/octet-stream', messageId: 'm-1' });
  publisher.publish('', 'celery', Buffer.from('A line of plain text\nand another one'), { contentType: 'text/plain', timestamp: 1764000000 });
  await publisher.waitForConfirms();
  return async () => {
    isOver = true;
    clearInterval(timer);
    await Promise.all([web, billing, shipping].map((one) => one.close().catch(() => {})));
  };
}
