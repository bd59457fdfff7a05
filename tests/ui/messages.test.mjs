// Messages and routes by hand: looked at without a change, moved, dropped, delivered now, explained. Read back over AMQP.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { Broker } from './broker.mjs';
import { browse, signIn, tab } from './browser.mjs';

let broker, browser, page, complaints, connection, channel;

before(async () => {
  broker = await Broker.start();
  connection = await broker.connect('messages test');
  channel = await connection.createConfirmChannel();
  browser = await browse();
  ({ page, complaints } = await tab(browser.context));
  await signIn(page, broker.url);
  await page.locator('main h1').waitFor();
});

after(async () => {
  await browser?.end();
  await connection?.close();
  await broker?.end();
});

async function show(path) {
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('main h1').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
}

async function fill(queue, bodies, options = {}, more = {}) {
  await channel.assertQueue(queue, { durable: true, ...options });
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), more);
  await channel.waitForConfirms();
}

/** Everything that is ready, as a client gets it. */
async function drain(queue) {
  const got = [];
  for (let message; (message = await channel.get(queue, { noAck: true })); ) got.push(message);
  return got;
}

const bodies = (messages) => messages.map((one) => one.content.toString());
/** A note says so; it is closed, so that the next one is not taken for it. */
async function told(text) {
  await page.locator('.note', { hasText: text }).getByRole('button').click();
  await page.locator('.note', { hasText: text }).waitFor({ state: 'detached' });
}

const press = (name) => page.getByRole('button', { name, exact: true }).click();
const confirm = (action) => page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click();
const rows = () => page.locator('.standing-row');
const view = () => page.locator('message-view');

test('pages through what waits, and changes nothing', async () => {
  await fill('many', Array.from({ length: 45 }, (_, at) => `{"n": ${at}}`), {}, { contentType: 'application/json' });
  await show('/queues/%2F/many?show=messages');
  await page.getByText('1–20 of 45').waitFor();
  assert.equal(await rows().count(), 20);
  await press('Next');
  await page.getByText('21–40 of 45').waitFor();
  assert.match(page.url(), /from=20/);
  await page.getByRole('button', { name: /^Message 21 / }).click();
  assert.match(await view().locator('pre').innerText(), /"n": 20/);
  await press('Next');
  await page.getByText('41–45 of 45').waitFor();
  assert.equal(await rows().count(), 5);
  const got = await drain('many');
  assert.equal(got.length, 45);
  assert.deepEqual([...new Set(got.map((one) => one.fields.redelivered))], [false]);
  await press('Look again');
  await page.getByText('No message waits here').waitFor();
});

test('pages through a stream by its offsets', async () => {
  await fill('log', Array.from({ length: 25 }, (_, at) => `line ${at}`), { arguments: { 'x-queue-type': 'stream' } });
  await show('/queues/%2F/log?show=messages');
  await page.getByText('Offsets 0–19').waitFor();
  await press('Next');
  await page.getByText('Offsets 20–24').waitFor();
  await page.getByRole('button', { name: /^Message 24 / }).getByText('line 24').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Move' }).count(), 0);
  await press('Back');
  await page.getByText('Offsets 0–19').waitFor();
});

test('reads JSON, text, bytes, base64, what is packed, and Celery tasks', async () => {
  const task = { id: '7d0c', task: 'shop.tasks.pay', root_id: '7d0c', argsrepr: '(1,)', kwargsrepr: '{}', retries: 1, origin: 'gen1@web', timelimit: [null, null] };
  await fill('kinds', ['plain text']);
  const send = (content, options) => channel.sendToQueue('kinds', content, options);
  send(Buffer.from([0, 200, 255]));
  send(gzipSync('{"packed": "gzip"}'));
  send(deflateSync('{"packed": "zlib"}'));
  send(Buffer.from('[[1], {"fast": true}, {"chain": null}]'), { headers: task, contentType: 'application/json' });
  send(Buffer.from('x'.repeat(40_000)));
  await channel.waitForConfirms();
  await show('/queues/%2F/kinds?show=messages');
  const open = async (at) => {
    await rows().nth(at).locator('.opener').click();
    return rows().nth(at).locator('message-view');
  };
  const text = await open(0);
  assert.match(await text.locator('pre').innerText(), /^plain text/);
  await text.getByRole('button', { name: 'Bytes' }).click();
  assert.match(await text.locator('pre').innerText(), /70 6c 61 69 6e/);
  await text.getByRole('button', { name: 'Base64' }).click();
  assert.match(await text.locator('pre').innerText(), /cGxhaW4gdGV4dA==/);
  assert.match(await (await open(1)).locator('pre').innerText(), /00 c8 ff/);
  for (const [at, how] of [[2, 'gzip'], [3, 'zlib']]) {
    const packed = await open(at);
    await packed.getByRole('button', { name: `JSON (${how})` }).waitFor();
    assert.match(await packed.locator('pre').innerText(), new RegExp(`"packed": "${how}"`));
  }
  const celery = await open(4);
  await celery.getByText('{"fast":true}').waitFor();
  assert.equal(await rows().nth(4).locator('strong').first().innerText(), 'shop.tasks.pay');
  await open(5);
  await press('Show more');
  await page.getByText('These are the first bytes').waitFor({ state: 'detached' });
  await drain('kinds');
});

test('moves chosen ones, copies all, and discards', async () => {
  await fill('from', ['a', 'b', 'c', 'd']);
  await fill('to', []);
  await show('/queues/%2F/from?show=messages');
  await page.getByLabel('Choose message 2', { exact: true }).check();
  await page.getByLabel('Choose message 4', { exact: true }).check();
  await press('Move 2 chosen …');
  await page.getByRole('dialog').getByLabel('To the queue').fill('to');
  await confirm('Move');
  await told('Moved 2 messages to to.');
  assert.deepEqual(bodies(await drain('to')), ['b', 'd']);
  await page.getByText('Choose all on this page').waitFor();
  await press('Move all 2 …');
  await page.getByRole('dialog').getByLabel('To the queue').fill('to');
  await page.getByRole('dialog').getByLabel('Copy them').check();
  await confirm('Move');
  await told('Copied 2 messages to to.');
  assert.deepEqual(bodies(await drain('to')), ['a', 'c']);
  await page.getByLabel('Choose message 1', { exact: true }).check();
  await press('Discard 1');
  await confirm('Discard 1 message');
  await told('Discarded 1 message.');
  const left = await drain('from');
  assert.deepEqual(bodies(left), ['c']);
  assert.equal(left[0].fields.redelivered, false);
});

test('what another queue has no room for stays, and that is told', async () => {
  await fill('big', ['1', '2', '3']);
  await fill('small', [], { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
  await show('/queues/%2F/big?show=messages');
  await press('Move all 3 …');
  await page.getByRole('dialog').getByLabel('To the queue').fill('small');
  await confirm('Move');
  await page.locator('.note', { hasText: 'Moved 1 message to small.' }).getByText('the next one is refused').waitFor();
  await told('Moved 1 message to small.');
  assert.deepEqual(bodies(await drain('big')), ['2', '3']);
  assert.deepEqual(bodies(await drain('small')), ['1']);
});

test('shows what is out, with whom, and says why nothing more is consumed', async () => {
  await fill('busy', ['first', 'second']);
  await show('/queues/%2F/busy');
  const why = page.getByRole('region', { name: 'Why is nothing consumed?' });
  await why.getByText('The queue has no consumers.').waitFor();
  const worker = await connection.createChannel();
  await worker.prefetch(1);
  await worker.consume('busy', () => {}, { consumerTag: 'slow one' });
  await why.getByText('No consumer takes more now.').waitFor();
  await why.getByText('has 1 unacknowledged, of 1 that its prefetch allows').waitFor();
  await why.getByRole('link', { name: 'Unacknowledged messages' }).click();
  await page.getByRole('button', { name: /^Message 1 / }).click();
  await page.locator('.place', { hasText: 'Out to the consumer slow one of' }).waitFor();
  assert.match(await view().locator('pre').innerText(), /^first/);
  await worker.close();
  await press('Look again');
  await page.getByText('No message is out').waitFor();
  assert.deepEqual(bodies(await drain('busy')), ['first', 'second']);
});

test('delivers what waits for its next try', async () => {
  await fill('retried', ['again'], { arguments: { 'x-queue-type': 'quorum', 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': 600_000, 'x-delayed-retry-max': 600_000 } });
  channel.nack(await channel.get('retried'));
  await show('/queues/%2F/retried?show=messages&state=delayed');
  await page.getByText(/^in (9|10) min/).waitFor();
  await press('Deliver all 1 now');
  await told('1 message waits no longer.');
  await page.getByText('No message is delayed').waitFor();
  assert.deepEqual(bodies(await drain('retried')), ['again']);
});

test('delivers and discards what waits in a delayed exchange', async () => {
  await channel.assertExchange('later', 'x-delayed-message', { arguments: { 'x-delayed-type': 'fanout' } });
  await fill('reminders', []);
  await channel.bindQueue('reminders', 'later', '');
  for (const [body, delay] of [['in an hour', 3_600_000], ['in a minute', 60_000], ['never', 7_200_000]]) channel.publish('later', 'k', Buffer.from(body), { headers: { 'x-delay': delay } });
  await channel.waitForConfirms();
  await show('/exchanges/%2F/later?show=delayed');
  await rows().nth(2).waitFor();
  assert.match(await rows().nth(0).innerText(), /in a minute/);
  await page.getByLabel('Choose message 3', { exact: true }).check();
  await press('Discard 1');
  await confirm('Discard 1 message');
  await told('Discarded 1 message.');
  await page.getByLabel('Choose message 2', { exact: true }).check();
  await press('Deliver 1 chosen now');
  await told('1 message was routed.');
  assert.deepEqual(bodies(await drain('reminders')), ['in an hour']);
  await press('Deliver all 1 now');
  await page.getByText('No message waits here').waitFor();
  assert.deepEqual(bodies(await drain('reminders')), ['in a minute']);
});

test('explains where a message would go, without publishing it', async () => {
  await channel.assertExchange('spare', 'fanout');
  await channel.assertExchange('news', 'topic', { alternateExchange: 'spare' });
  await channel.assertExchange('by headers', 'headers');
  for (const queue of ['eu', 'us', 'rest']) await fill(queue, []);
  await channel.bindQueue('eu', 'news', 'eu.#');
  await channel.bindQueue('us', 'news', 'us.*');
  await channel.bindQueue('rest', 'spare', '');
  await channel.bindQueue('eu', 'by headers', '', { 'x-match': 'all', region: 'eu' });
  await show('/exchanges/%2F/news?show=explain');
  const found = page.locator('explain-publish');
  await found.getByText('It would reach one queue.').waitFor();
  await found.getByText('as the alternate exchange').waitFor();
  await found.getByLabel('Routing key').fill('eu.sport.golf');
  await found.getByRole('link', { name: 'eu', exact: true }).waitFor();
  assert.equal(await found.getByRole('link', { name: 'rest' }).count(), 0);
  await found.getByText('waits, as the only one').waitFor();
  await show('/exchanges/%2F/by%20headers?show=explain');
  await found.getByText('It would reach no queue').waitFor();
  await press('Add a header');
  await page.getByLabel('Name', { exact: true }).fill('region');
  await page.getByLabel('Value').fill('eu');
  await found.getByText('It would reach one queue.').waitFor();
  await show('/exchanges/%2F/amq.default?show=explain&key=us');
  await found.getByRole('link', { name: 'us', exact: true }).waitFor();
  for (const queue of ['eu', 'us', 'rest']) assert.deepEqual(await drain(queue), []);
});

test('explains it for another user, who may not', async () => {
  await broker.api('PUT', 'users/reader', { password: 'reader', tags: 'management' });
  await broker.api('PUT', 'permissions/%2F/reader', { configure: '', write: '', read: '^eu$' });
  await show('/exchanges/%2F/news?show=explain&key=eu.x');
  await page.getByLabel('Published by').selectOption('reader');
  await page.getByText(/It would be refused: .*'news'/).waitFor();
});

test('nothing of all this made the page complain', () => assert.deepEqual(complaints, []));

test('who may only read sees only that, and refusals as they are', async () => {
  await fill('eu', ['for readers']);
  const { page: own, complaints: heard } = await tab(browser.context);
  await signIn(own, broker.url, 'reader', 'reader');
  await own.locator('main h1').waitFor();
  assert.equal(await own.getByRole('link', { name: 'Definitions' }).count(), 0);
  assert.equal(await own.getByRole('link', { name: 'Users' }).count(), 0);
  await own.goto(`${broker.url}/#/queues/%2F/eu?show=messages`);
  await own.locator('.opener').first().click();
  await own.locator('message-view pre').getByText('for readers').waitFor();
  await own.goto(`${broker.url}/#/queues/%2F/us?show=messages`);
  await own.getByRole('alert').getByText('Access refused.').waitFor();
  await own.goto(`${broker.url}/#/exchanges/%2F/news?show=explain&key=eu.x`);
  await own.getByText('It would be refused').waitFor();
  assert.ok(heard.every((one) => one.includes('401')), heard.join('\n'));
  assert.deepEqual(bodies(await drain('eu')), ['for readers']);
  await own.close();
});

test('who has no permission at all sees nothing, and is told so', async () => {
  await broker.api('PUT', 'users/nobody', { password: 'nobody', tags: 'management' });
  const { page: own, complaints: heard } = await tab(browser.context);
  await signIn(own, broker.url, 'nobody', 'nobody');
  await own.getByText('nobody may use no virtual host').waitFor();
  for (const [path, title] of [['queues', 'No queues yet'], ['exchanges', 'No exchanges'], ['connections', 'Nobody is connected'], ['channels', 'No channels'], ['consumers', 'Nobody consumes']]) {
    await own.goto(`${broker.url}/#/${path}`);
    await own.getByText(title).first().waitFor();
  }
  await own.goto(`${broker.url}/#/queues/%2F/eu`);
  await own.getByRole('alert').first().waitFor();
  assert.ok(heard.every((one) => one.includes('401')), heard.join('\n'));
  await own.close();
});
