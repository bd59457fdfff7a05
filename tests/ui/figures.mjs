// What the page costs: reports, and never fails for a slow machine.
//
//   LEVERET=… node figures.mjs [SECONDS]
//
// First paint after load (cold and warm cache), CPU of the broker while one page is open (idle, busy, 10,000 queues), how
// smooth that list is while messages flow, and bytes of the whole page as they go over the wire.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker } from './broker.mjs';
import { browse, knowGuest, tab } from './browser.mjs';

const SECONDS = Number(process.argv[2] ?? 20);
const TICKS_PER_SECOND = 100;
const QUEUES = 10_000;

/** Seconds of CPU that the process has used. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function share(broker, name, during = () => {}) {
  const pid = broker.process.pid;
  const before = [cpu(pid), performance.now()];
  const until = Date.now() + SECONDS * 1000;
  while (Date.now() < until) {
    await during();
    await sleep(100);
  }
  const used = (100 * (cpu(pid) - before[0])) / ((performance.now() - before[1]) / 1000);
  console.log(`${name}: ${used.toFixed(2)} % of a core`);
}

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];

/** Signed in, and noting when the first numbers are in the document. */
async function watchNumbers(page) {
  await knowGuest(page);
  await page.addInitScript(() => new MutationObserver((_, observer) => {
    if (!document.querySelector('.tile strong')) return;
    window.numbersAt = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true }));
}

/** From the start of navigation to the first paint, and to the first numbers, in milliseconds. */
async function paint(page, url) {
  await page.goto('about:blank');
  await page.goto(url);
  await page.locator('.tile').first().waitFor();
  return page.evaluate(() => {
    const numbers = window.numbersAt;
    const [navigation] = performance.getEntriesByType('navigation');
    const first = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    return { first, numbers, loaded: navigation.loadEventEnd, modules: performance.getEntriesByType('resource').length };
  });
}

async function paints(broker) {
  const cold = [];
  for (let at = 0; at < 7; at += 1) {
    const { context, end } = await browse();
    const { page } = await tab(context);
    await watchNumbers(page);
    cold.push(await paint(page, broker.url));
    await end();
  }
  const { context, end } = await browse();
  const { page } = await tab(context);
  await watchNumbers(page);
  const warm = [];
  for (let at = 0; at < 11; at += 1) warm.push(await paint(page, broker.url));
  await end();
  for (const [name, all] of [['empty cache', cold], ['known page', warm.slice(1)]]) {
    const of = (key) => median(all.map((one) => one[key])).toFixed(0);
    console.log(`first paint, ${name}: ${of('first')} ms after navigation began, load event at ${of('loaded')} ms, numbers at ${of('numbers')} ms (medians of ${all.length}; ${all[0].modules} files)`);
  }
}

async function weight(broker) {
  const { context, end } = await browse();
  const { page } = await tab(context);
  await knowGuest(page);
  let bytes = 0;
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(broker.url);
  await page.locator('.tile').first().waitFor();
  for (const place of await page.locator('nav.menu li a').all()) {
    await place.click();
    await page.locator('main h1').waitFor();
  }
  console.log(`every page of the menu: ${(bytes / 1000).toFixed(0)} kB over the wire, answers of the API among them`);
  await end();
}

async function openPage(broker, path) {
  const { context, end } = await browse();
  const { page } = await tab(context);
  await knowGuest(page);
  await page.goto(`${broker.url}/#${path}`);
  await page.getByRole('button', { name: 'Live', exact: true }).waitFor();
  await sleep(3000);
  return { page, end };
}

/** Frames that were late while `during` ran, and the longest. */
async function smooth(page, name, during) {
  await page.evaluate(() => {
    window.gaps = [];
    let last = performance.now();
    const frame = (now) => {
      window.gaps.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await during();
  const gaps = await page.evaluate(() => window.gaps);
  const late = gaps.filter((one) => one > 50).length;
  console.log(`${name}: ${gaps.length} frames, ${late} later than 50 ms, the longest ${Math.max(...gaps).toFixed(0)} ms`);
}

const broker = await Broker.start();
await paints(broker);
await weight(broker);
await share(broker, 'no page open');
let { page, end } = await openPage(broker, '/');
await share(broker, 'overview open, nothing happens');
const client = await broker.connect('figures');
const channel = await client.createChannel();
await channel.assertQueue('figures');
await channel.consume('figures', () => {}, { noAck: true });
const publish = (queue) => () => channel.sendToQueue(queue(), Buffer.from('x'));
await share(broker, 'overview open, ten messages a second', publish(() => 'figures'));
await end();
await share(broker, 'no page open, ten messages a second', publish(() => 'figures'));
for (let at = 0; at < QUEUES; at += 500) {
  await Promise.all(Array.from({ length: 500 }, (_, one) => channel.assertQueue(`q.${at + one}`)));
}
await share(broker, 'no page open, 10,000 queues');
({ page, end } = await openPage(broker, '/queues'));
await page.getByText('10,001 queues').waitFor();
await share(broker, '10,000 queues listed, nothing happens');
let turn = 0;
const anywhere = publish(() => `q.${(turn = (turn + 7) % QUEUES)}`);
await smooth(page, '10,000 queues listed, 200 of them change a second', () => share(broker, 'meanwhile the broker', () => Array.from({ length: 20 }, anywhere)));
await end();
await client.close();
await broker.end();
