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

const node = (name) => page.getByRole('link', { name });

test('the topology draws which way messages go, and shows what nobody wants', async () => {
  await channel.assertExchange('shop', 'topic', { alternateExchange: 'rest' });
  await channel.assertExchange('rest', 'direct');
  await channel.assertExchange('graves', 'fanout');
  await channel.assertQueue('paid', { deadLetterExchange: 'graves' });
  await channel.bindQueue('paid', 'shop', 'order.paid');
  await channel.consume('paid', () => {}, { noAck: true, consumerTag: 'till' });
  await show('/topology', () => node(/^Queue paid/));
  for (const name of [/^Exchange shop/, /^Exchange rest/, /^Exchange graves/, /^Program live: 1 consumer/]) await node(name).waitFor();
  const ways = (kind) => page.locator(`topology-graph .way.${kind}`).count();
  assert.deepEqual([await ways('alternate.dashed'), await ways('dead.dashed'), await ways('consume'), await ways('lost')], [1, 1, 1, 0]);
  const flowing = setInterval(() => channel.publish('shop', 'order.paid', Buffer.from('x')), 20);
  await page.locator('.flow-rate.bind', { hasText: '/s' }).waitFor();
  await page.locator('.flow-rate.consume', { hasText: '/s' }).waitFor();
  clearInterval(flowing);
  // Another alternate exchange that has no binding either: nobody gets it.
  channel.publish('shop', 'order.lost', Buffer.from('x'));
  await node(/^1 unroutable of exchange shop.*order\.lost/).waitFor();
  await page.locator('topology-graph .way.lost').waitFor({ state: 'attached' });
  await node(/^Queue paid/).focus();
  await page.locator('.graph.lit .way.dead.near').waitFor({ state: 'attached' });
  await page.getByRole('searchbox').fill('graves');
  await node(/^Program live/).waitFor({ state: 'detached' });
  await node(/^Queue paid/).waitFor();
  await page.getByRole('tab', { name: 'Table' }).click();
  await page.getByRole('region', { name: 'Ways of messages' }).waitFor();
  await page.getByRole('searchbox').fill('');
  await page.locator('tr', { hasText: 'order.paid' }).getByText('binding').waitFor();
  await page.locator('tr', { hasText: 'unroutable' }).getByText('nowhere').waitFor();
  assert.equal(timesAsked('/api/queues'), 1);
});

test('queues that are bound alike are drawn as one, and opened', async () => {
  await channel.assertExchange('many', 'fanout');
  for (let at = 0; at < 300; at += 1) await channel.assertQueue(`alike.${at}`, { exclusive: true });
  for (let at = 0; at < 300; at += 1) await channel.bindQueue(`alike.${at}`, 'many', '');
  await show('/topology?filter=many', () => node(/^300 queues that are bound alike/));
  await node(/^300 queues that are bound alike/).focus();
  await page.keyboard.press('Enter');
  await page.getByText(/61 more are left out/).waitFor();
  await page.getByRole('button', { name: 'Collapse' }).click();
  await node(/^300 queues that are bound alike/).waitFor();
  for (let at = 0; at < 300; at += 1) await channel.deleteQueue(`alike.${at}`);
});

test('the log is followed, by level and category', async () => {
  await show('/log', () => page.getByText('Server startup complete'));
  const text = (words) => page.locator('.log-text', { hasText: words });
  await broker.refuse('stranger');
  await text('stranger').first().waitFor();
  const other = await client.createChannel();
  other.on('error', () => {});
  await assert.rejects(other.checkQueue('not there'));
  await text('not there').first().waitFor();
  await page.getByRole('combobox', { name: 'Category' }).selectOption('channel');
  await text('stranger').waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Category' }).selectOption('');
  await text('Server startup complete').waitFor();
  await page.getByRole('combobox', { name: 'Least level' }).selectOption('error');
  await text('Server startup complete').waitFor({ state: 'detached' });
  await text('not there').first().waitFor();
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('No line is like that').waitFor();
  await page.getByRole('button', { name: 'Show all lines' }).click();
  await text('Server startup complete').waitFor();
  await page.getByRole('button', { name: 'Following' }).click();
  await page.getByRole('button', { name: 'Follow', exact: true }).click();
  await page.getByRole('button', { name: 'Following' }).waitFor();
  assert.equal(timesAsked('/dev/log'), 1);
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
