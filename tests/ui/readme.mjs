// The pictures of the README: a shop with Celery workers, and three pages of it.
//
//   LEVERET=… node readme.mjs [FOLDER]

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker } from './broker.mjs';
import { browse, knowGuest, tab } from './browser.mjs';

const FOLDER = process.argv[2] ?? join(import.meta.dirname, 'screens');
const TASKS = ['shop.tasks.send_receipt', 'shop.tasks.charge_card', 'shop.tasks.resize_image', 'shop.reports.daily_totals'];
const QUEUES = { celery: 20, emails: 8, images: 4, reports: 2 };
/** Long enough that the charts of a minute are full. */
const FILL_MS = 62_000;

async function declare(broker) {
  const put = (path, body = {}) => broker.api('PUT', path, body);
  await put('exchanges/%2F/celery', { type: 'direct', durable: true });
  await put('exchanges/%2F/celeryev', { type: 'topic', durable: true });
  await put('exchanges/%2F/celery.pidbox', { type: 'fanout', durable: false });
  await put('exchanges/%2F/unrouted', { type: 'fanout', durable: true });
  await put('exchanges/%2F/tasks', { type: 'topic', durable: true, arguments: { 'alternate-exchange': 'unrouted' } });
  await put('queues/%2F/unrouted', { durable: true });
  for (const name of Object.keys(QUEUES)) await put(`queues/%2F/${name}`, { durable: true, arguments: name === 'emails' ? { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 } : { 'x-max-priority': 10 } });
  const bind = (source, queue, key) => broker.api('POST', `bindings/%2F/e/${source}/q/${queue}`, { routing_key: key, arguments: {} });
  await bind('celery', 'celery', 'celery');
  for (const [queue, key] of [['emails', 'mail.#'], ['images', '*.image.*'], ['reports', 'report.*'], ['celery', '#']]) await bind('tasks', queue, key);
  await bind('unrouted', 'unrouted', '');
}

const task = (at) => {
  const id = `5c1f9d0e-0b1c-4a5e-9c1c-${String(at).padStart(12, '0')}`;
  return { lang: 'py', task: TASKS[at % TASKS.length], id, root_id: id, parent_id: null, group: null, retries: at % 7 ? 0 : 2, eta: null, expires: null, timelimit: [300, 60], origin: `gen71@web-${1 + (at % 2)}`, argsrepr: `(${4700 + at},)`, kwargsrepr: "{'copy': True}" };
};

async function work(broker) {
  const channels = {};
  for (const [at, [queue, prefetch]] of Object.entries(QUEUES).entries()) {
    if (queue === 'reports') continue;
    const connection = await broker.connect(`celery@worker-${at + 1}`);
    const channel = (channels[queue] = await connection.createChannel());
    await channel.prefetch(prefetch);
    await channel.consume(queue, (message) => setTimeout(() => channel.ack(message), 60 + 240 * Math.random()).unref(), { consumerTag: `worker-${at + 1}` });
  }
  const web = await (await broker.connect('web-1')).createConfirmChannel();
  let at = 0;
  const timer = setInterval(() => {
    const amount = 3 + Math.round(2 * Math.sin(at / 90) + Math.random());
    for (let one = 0; one < amount; one += 1, at += 1) {
      const headers = task(at);
      const body = JSON.stringify([[4700 + at], { copy: true }, { callbacks: null, errbacks: null, chain: null, chord: null }]);
      const key = ['mail.receipt', 'card.charge', 'shop.image.resize', at % 12 === 3 ? 'report.daily' : 'mail.news'][at % 4];
      web.publish('tasks', key, Buffer.from(body), { contentType: 'application/json', contentEncoding: 'utf-8', headers, correlationId: headers.id, priority: at % 3, persistent: true });
    }
  }, 100);
  return () => clearInterval(timer);
}

mkdirSync(FOLDER, { recursive: true });
const broker = await Broker.start();
await declare(broker);
const stop = await work(broker);
await sleep(FILL_MS);
const shots = [
  ['overview', '/', 'light', () => {}],
  ['messages', '/queues/%2F/reports?show=messages', 'dark', (page) => page.locator('.opener').nth(1).click()],
  ['topology', '/topology', 'light', (page) => page.locator('.graph .text').first().waitFor()],
];
for (const [name, path, colorScheme, then] of shots) {
  const { context, end } = await browse({ colorScheme, viewport: { width: 1200, height: 750 } });
  const { page } = await tab(context);
  await knowGuest(page);
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('main h1').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
  await then(page);
  await page.mouse.move(0, 0);
  await sleep(1000);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await end();
}
stop();
await broker.end();
