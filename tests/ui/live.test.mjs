// What happens is seen while it happens: by one stream, without asking for a list again, and not while nobody looks.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Broker } from './broker.mjs';
import { browse, knowGuest, tab } from './browser.mjs';

let broker, browser, client, channel, page, complaints, asked;

before(async () => {
  broker = await Broker.start();
  browser = await browse();
  client = await broker.connect('live');
  channel = await client.createChannel();
  await channel.assertQueue('moving');
});

after(async () => {
  await client?.close();
  await browser?.end();
  await broker?.end();
});

beforeEach(async () => {
  ({ page, complaints } = await tab(browser.context));
  await knowGuest(page);
  asked = [];
  page.on('request', (request) => asked.push(decodeURIComponent(new URL(request.url()).pathname + new URL(request.url()).search)));
});

afterEach(async () => {
  assert.deepEqual(complaints, []);
  await page.close();
});

async function show(path, ready) {
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('main h1').waitFor();
  await page.getByRole('button', { name: 'Live', exact: true }).waitFor();
  await ready?.().waitFor();
}

const timesAsked = (start) => asked.filter((one) => one.startsWith(start)).length;
const cell = (text) => page.locator('tr', { hasText: 'moving' }).locator('td', { hasText: text }).first();

test('a number moves while messages flow, and the list is asked for once', async () => {
  await show('/queues', () => page.getByRole('link', { name: 'moving' }));
  const streams = timesAsked('/dev/events');
  for (let round = 1; round <= 5; round += 1) {
    for (let at = 0; at < 10; at += 1) channel.sendToQueue('moving', Buffer.from('x'));
    await cell(new RegExp(`^${round * 10}$`)).waitFor();
  }
  await cell(/^[1-9][\d.,]*\/s$/).waitFor();
  // What stands still comes to rest, though nobody tells of it.
  await page.waitForFunction(() => [...document.querySelectorAll('tr')].some((row) => row.textContent.includes('moving') && row.textContent.includes('0/s0/s')));
  await channel.purgeQueue('moving');
  await cell(/^0$/).waitFor();
  assert.equal(timesAsked('/api/queues'), 1);
  assert.equal(timesAsked('/dev/events'), streams);
});

test('new queues come and deleted ones go, without asking for the list', async () => {
  await show('/queues', () => page.getByRole('link', { name: 'moving' }));
  await channel.assertQueue('passing', { arguments: { 'x-max-length': 7 } });
  await page.getByRole('link', { name: 'passing' }).waitFor();
  await page.locator('tr', { hasText: 'passing' }).getByText('running').waitFor();
  await channel.deleteQueue('passing');
  await page.getByRole('link', { name: 'passing' }).waitFor({ state: 'detached' });
  assert.equal(timesAsked('/api/queues'), 1);
});

test('the overview counts along', async () => {
  await show('/', () => page.locator('.tile', { hasText: 'Ready' }));
  const ready = (amount) => page.locator('.tile', { hasText: 'Ready' }).getByText(amount, { exact: true }).waitFor();
  await ready('0');
  for (let at = 0; at < 3; at += 1) channel.sendToQueue('moving', Buffer.from('x'));
  await ready('3');
  await channel.purgeQueue('moving');
  await ready('0');
  assert.equal(timesAsked('/api/overview'), 1);
});

test('consumers, bindings and connections of one queue follow', async () => {
  await show('/queues/%2F/moving?show=consumers', () => page.getByText('No consumer'));
  const { consumerTag } = await channel.consume('moving', () => {}, { consumerTag: 'here' });
  await page.locator('td', { hasText: 'here' }).waitFor();
  await channel.cancel(consumerTag);
  await page.getByText('No consumer').waitFor();
  await page.getByRole('tab', { name: /Bindings/ }).click();
  await channel.bindQueue('moving', 'amq.topic', 'a.key');
  await page.locator('td', { hasText: 'a.key' }).waitFor();
  await channel.unbindQueue('moving', 'amq.topic', 'a.key');
  await page.locator('td', { hasText: 'a.key' }).waitFor({ state: 'detached' });
});

test('connections appear and disappear', async () => {
  await show('/connections', () => page.getByRole('link', { name: 'live' }));
  const other = await broker.connect('passing by');
  await page.getByRole('link', { name: 'passing by' }).waitFor();
  await other.close();
  await page.getByRole('link', { name: 'passing by' }).waitFor({ state: 'detached' });
});

async function hide(isHidden) {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
}

test('a tab that nobody sees hears nothing, and goes on where it was', async () => {
  await show('/queues', () => page.getByRole('link', { name: 'moving' }));
  await cell(/^0$/).waitFor();
  await page.evaluate(() => {
    window.opened = [];
    const EventSourceOf = window.EventSource;
    window.EventSource = class extends EventSourceOf {
      constructor(address) {
        super(address);
        window.opened.push(this);
      }
    };
  });
  await hide(true);
  channel.sendToQueue('moving', Buffer.from('x'));
  await page.waitForFunction(async () => (await (await fetch('api/queues/%2F/moving', { headers: { authorization: JSON.parse(sessionStorage.getItem('leveret.credentials')) } })).json()).messages === 1);
  assert.equal(await cell(/^1$/).count(), 0);
  await hide(false);
  await cell(/^1$/).waitFor();
  assert.equal(timesAsked('/api/queues?'), 1);
  await hide(true);
  await page.waitForFunction(() => window.opened.length === 1 && window.opened[0].readyState === EventSource.CLOSED);
  await hide(false);
  await channel.purgeQueue('moving');
  await cell(/^0$/).waitFor();
});

test('pausing holds everything, going on brings it up to date', async () => {
  await show('/queues', () => page.getByRole('link', { name: 'moving' }));
  await page.getByRole('button', { name: 'Live', exact: true }).click();
  await page.getByRole('button', { name: 'Paused' }).waitFor();
  await channel.assertQueue('meanwhile');
  await broker.api('GET', 'queues/%2F/meanwhile');
  assert.equal(await page.getByRole('link', { name: 'meanwhile' }).count(), 0);
  await page.getByRole('button', { name: 'Paused' }).click();
  await page.getByRole('link', { name: 'meanwhile' }).waitFor();
  await channel.deleteQueue('meanwhile');
});
