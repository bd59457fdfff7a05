// Forms do what they say: read back over the API or AMQP.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, furnish } from './broker.mjs';
import { browse, signIn, tab } from './browser.mjs';

let broker, browser, page, complaints;

before(async () => {
  broker = await Broker.start();
  await furnish(broker);
  browser = await browse({ acceptDownloads: true });
  ({ page, complaints } = await tab(browser.context));
  await signIn(page, broker.url);
  await page.locator('main h1').waitFor();
});

after(async () => {
  await browser?.end();
  await broker?.end();
});

async function show(path) {
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('.loading').waitFor({ state: 'detached' });
}

/** A note says so; it is closed, so that the next one is not taken for it. */
async function told(text) {
  await page.locator('.note', { hasText: text }).getByRole('button').click();
  await page.locator('.note', { hasText: text }).waitFor({ state: 'detached' });
}

const confirm = (action) => page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click();
const panel = (title) => page.getByRole('region', { name: title, exact: true });

test('adds a queue with arguments, and shows it', async () => {
  await show('/queues');
  await page.getByRole('button', { name: 'Add a queue' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('made here/ü');
  await dialog.getByLabel('Add a known one').selectOption('x-max-length');
  await dialog.getByLabel('Value').fill('7');
  await dialog.getByRole('button', { name: 'Add the queue' }).click();
  await page.locator('h1', { hasText: 'made here/ü' }).waitFor();
  const { arguments: args, durable, type } = await broker.api('GET', `queues/%2F/${encodeURIComponent('made here/ü')}`);
  assert.equal(args['x-max-length'], 7);
  assert.deepEqual([durable, type], [true, 'classic']);
});

test('refusals of the broker are told in its own words', async () => {
  await show('/queues');
  await page.getByRole('button', { name: 'Add a queue' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('celery');
  await dialog.getByRole('button', { name: 'Add the queue' }).click();
  await told("inequivalent arg 'x-max-priority'");
  await page.keyboard.press('Escape');
  assert.match(complaints.pop(), /400/);
});

test('publishes what a consumer gets', async () => {
  const connection = await broker.connect('reader');
  const channel = await connection.createChannel();
  await show('/exchanges/%2F/orders?show=publish');
  await page.getByLabel('Routing key').fill('order.paid');
  await page.getByLabel('Content type').fill('application/json');
  await page.getByLabel('Body', { exact: true }).fill('{"n": 1}');
  await page.getByRole('button', { name: 'Add a header' }).click();
  await page.getByLabel('Name', { exact: true }).fill('tries');
  await page.getByLabel('Value').fill('3');
  await page.getByLabel('Type', { exact: true }).selectOption('number');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await told('Published.');
  const message = await channel.get('orders.billing', { noAck: true });
  assert.equal(message.content.toString(), '{"n": 1}');
  assert.equal(message.properties.contentType, 'application/json');
  assert.equal(message.properties.deliveryMode, 2);
  assert.equal(message.properties.headers.tries, 3);
  await page.getByLabel('Routing key').fill('other');
  await connection.close();
});

test('tells when no queue got a message', async () => {
  await show('/exchanges/%2F/dead?show=publish');
  await page.getByLabel('Routing key').fill('nowhere');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await told('No queue got it.');
});

test('looks at messages and puts them back, or takes them out', async () => {
  const put = (payload) => broker.api('POST', 'exchanges/%2F/amq.default/publish', { routing_key: 'dead-letters', payload, payload_encoding: 'string', properties: {} });
  await put('{"first": true}');
  await put('second');
  await show('/queues/%2F/dead-letters?show=messages');
  await page.getByRole('button', { name: 'Get messages' }).click();
  await page.locator('message-view').nth(1).waitFor();
  assert.match(await page.locator('message-view').first().innerText(), /"first": true/);
  await page.locator('message-view').first().getByRole('button', { name: 'Bytes' }).click();
  assert.match(await page.locator('message-view pre').first().innerText(), /7b 22 66/);
  await page.getByRole('combobox', { name: 'How', exact: true }).selectOption('ack_requeue_false');
  await page.getByLabel('How many').fill('1');
  await page.getByRole('button', { name: 'Get messages' }).click();
  await confirm('Take out (acknowledge)');
  await page.getByText('1 message, the oldest first; 1 more is ready.').waitFor();
  assert.equal((await broker.api('GET', 'queues/%2F/dead-letters')).messages, 1);
});

test('purges and deletes a queue after asking once', async () => {
  await show('/queues/%2F/dead-letters');
  await page.getByRole('button', { name: 'Purge' }).click();
  await page.getByRole('dialog', { name: 'Purge the queue dead-letters?' }).waitFor();
  await confirm('Cancel');
  assert.equal((await broker.api('GET', 'queues/%2F/dead-letters')).messages, 1);
  await page.getByRole('button', { name: 'Purge' }).click();
  await confirm('Purge the queue');
  await told('was purged');
  assert.equal((await broker.api('GET', 'queues/%2F/dead-letters')).messages, 0);
  await page.getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete the queue');
  await page.locator('h1', { hasText: 'Queues' }).waitFor();
  assert.equal(await broker.api('GET', 'queues/%2F/dead-letters'), null);
});

test('binds and unbinds', async () => {
  await show('/exchanges/%2F/unrouted');
  await page.getByLabel('Name', { exact: true }).fill('celery');
  await page.getByLabel('Routing key').fill('any');
  await page.getByRole('button', { name: 'Bind', exact: true }).click();
  await told('celery is bound to unrouted');
  const bindings = () => broker.api('GET', 'bindings/%2F/e/unrouted/q/celery');
  assert.equal((await bindings())[0].routing_key, 'any');
  await page.getByRole('button', { name: 'Remove the binding of celery' }).click();
  await confirm('Remove the binding');
  await told('no longer bound');
  assert.deepEqual(await bindings(), []);
});

test('adds and deletes an exchange', async () => {
  await show('/exchanges');
  await page.getByRole('button', { name: 'Add an exchange' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('made');
  await dialog.getByRole('combobox', { name: 'Type', exact: true }).selectOption('headers');
  await dialog.getByLabel('Only for other exchanges').check();
  await dialog.getByRole('button', { name: 'Add the exchange' }).click();
  await page.locator('h1', { hasText: 'made' }).waitFor();
  const { type, internal } = await broker.api('GET', 'exchanges/%2F/made');
  assert.deepEqual([type, internal], ['headers', true]);
  await page.getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete the exchange');
  await page.locator('h1', { hasText: 'Exchanges' }).waitFor();
  assert.equal(await broker.api('GET', 'exchanges/%2F/made'), null);
});

test('deletes the rows that are selected', async () => {
  for (const name of ['bulk.1', 'bulk.2']) await broker.api('PUT', `queues/%2F/${name}`, {});
  await show('/queues?filter=bulk');
  await page.getByRole('checkbox', { name: 'Select bulk.1' }).check();
  await page.getByRole('checkbox', { name: 'Select bulk.2' }).check();
  await page.getByRole('button', { name: 'Delete 2' }).click();
  await page.getByRole('dialog', { name: 'Delete 2 queues?' }).getByText('bulk.1, bulk.2').waitFor();
  await confirm('Delete 2');
  await told('Deleted 2 queues');
  assert.equal(await broker.api('GET', 'queues/%2F/bulk.2'), null);
});

test('closes a connection with a reason', { timeout: 30_000 }, async () => {
  const connection = await broker.connect('to be closed');
  const closed = new Promise((resolve) => connection.on('close', resolve));
  await show('/connections');
  await page.getByRole('link', { name: 'to be closed' }).click();
  await page.getByRole('button', { name: 'Close the connection' }).click();
  await page.getByLabel('Reason').fill('time for lunch');
  await page.getByRole('dialog').getByRole('button', { name: 'Close the connection' }).click();
  assert.match((await closed).message, /320.*time for lunch/);
  await told('The connection to be closed was closed.');
});

test('makes a virtual host, protects it, and deletes it', async () => {
  await show('/vhosts');
  await page.getByRole('button', { name: 'Add a virtual host' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('qa');
  await dialog.getByLabel('Description').fill('for a while');
  await dialog.getByRole('button', { name: 'Add the virtual host' }).click();
  await page.getByRole('link', { name: 'qa', exact: true }).click();
  await page.getByRole('button', { name: 'Protect from deletion' }).click();
  await page.getByText('protected from deletion').first().waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await confirm('Delete the virtual host');
  await told('That did not work.');
  complaints.pop();
  await page.getByRole('button', { name: 'Allow deletion' }).click();
  await page.getByRole('button', { name: 'Protect from deletion' }).waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await confirm('Delete the virtual host');
  await page.locator('h1', { hasText: 'Virtual hosts' }).waitFor();
  assert.equal(await broker.api('GET', 'vhosts/qa'), null);
});

test('makes a user that can sign in, and keeps its password when its tags change', async () => {
  await show('/users');
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('ada');
  await dialog.getByLabel('Password').fill('lovelace');
  await dialog.getByLabel('monitoring').check();
  await dialog.getByRole('button', { name: 'Add the user' }).click();
  await page.getByRole('link', { name: 'ada' }).click();
  await panel('Permissions').getByLabel('Write').fill('^out');
  await page.getByRole('button', { name: 'Set the permissions' }).click();
  await told('has permissions');
  assert.equal((await broker.api('GET', 'permissions/%2F/ada')).write, '^out');
  await (await broker.connect('ada', '/', 'ada', 'lovelace')).close();
  await page.getByLabel('policymaker').check();
  await page.getByRole('button', { name: 'Change the user' }).click();
  await told('was changed');
  const who = await fetch(`${broker.url}/api/whoami`, { headers: { authorization: `Basic ${btoa('ada:lovelace')}` } });
  assert.deepEqual((await who.json()).tags.sort(), ['monitoring', 'policymaker']);
  await page.getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete the user');
  await told('ada was deleted.');
  assert.equal(await broker.api('GET', 'users/ada'), null);
});

test('the tester says what the broker would', async () => {
  await show('/permissions?user=shop&name=invoices');
  const verdicts = await page.locator('.verdicts li').allInnerTexts();
  assert.deepEqual(verdicts.map((one) => one.split('\n')[0]), ['may not', 'may', 'may not']);
  await assert.rejects(asShop((channel) => channel.assertQueue('invoices')), /403/);
});

/** What the user shop does, on a connection of its own. */
async function asShop(run) {
  const connection = await broker.connect('shop', '/', 'shop');
  const channel = await connection.createConfirmChannel();
  const refused = new Promise((_, reject) => channel.on('error', reject));
  try {
    await Promise.race([run(channel), refused]);
  } finally {
    await connection.close();
  }
}

test('the tester knows what stands for the user in topic permissions', async () => {
  await broker.api('PUT', 'topic-permissions/%2F/shop', { exchange: 'orders', write: '^{username}\\.', read: '.*' });
  const publish = (key) => asShop((channel) => new Promise((resolve, reject) => channel.publish('orders', key, Buffer.from('x'), {}, (error) => (error ? reject(error) : resolve()))));
  for (const [key, answer] of [['shop.paid', 'may'], ['other.paid', 'may not']]) {
    await show(`/permissions?user=shop&name=orders&key=${key}`);
    const line = page.locator('.verdicts li', { hasText: 'publish with this key' });
    await line.getByText(answer, { exact: true }).waitFor();
    if (answer === 'may') await publish(key);
    else await assert.rejects(publish(key), /403/);
  }
});

test('a policy shows what it matches before it is made', async () => {
  await show('/policies');
  await page.getByRole('button', { name: 'Add a policy' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('short');
  await dialog.getByLabel('Pattern of names').fill('^cel');
  await dialog.locator('policy-preview', { hasText: 'Matches 1 now' }).getByText('celery').waitFor();
  await dialog.getByLabel('Pattern of names').fill('^orders\\.b');
  await dialog.getByText('orders.billing (stays with keep-short)').waitFor();
  await dialog.getByLabel('Priority').fill('9');
  await dialog.getByText('orders.billing (instead of keep-short)').waitFor();
  await dialog.getByLabel('Pattern of names').fill('^cel');
  await dialog.getByLabel('Add a known one').selectOption('max-length');
  await dialog.getByLabel('Value').fill('9');
  await dialog.getByRole('button', { name: 'Add the policy' }).click();
  await told('The policy short holds.');
  const { definition, pattern } = await broker.api('GET', 'policies/%2F/short');
  assert.deepEqual([definition, pattern], [{ 'max-length': 9 }, '^cel']);
  const connection = await broker.connect('publisher');
  const channel = await connection.createConfirmChannel();
  for (let at = 0; at < 12; at += 1) channel.sendToQueue('celery', Buffer.from(String(at)));
  await channel.waitForConfirms();
  assert.equal((await channel.checkQueue('celery')).messageCount, 9);
  await channel.purgeQueue('celery');
  await connection.close();
  await page.getByRole('button', { name: 'Delete the policy short' }).click();
  await confirm('Delete the policy');
  await told('short was deleted');
});

test('sets and removes a limit', async () => {
  await show('/limits');
  const section = panel('Of virtual hosts');
  await section.getByRole('combobox', { name: 'Virtual host' }).selectOption('staging');
  await section.getByRole('combobox', { name: 'At most' }).selectOption('max-connections');
  await section.getByLabel('Number').fill('0');
  await section.getByRole('button', { name: 'Set the limit' }).click();
  await told('The limit of staging is set.');
  const limits = async () => (await broker.api('GET', 'vhost-limits/staging'))[0]?.value;
  assert.equal((await limits())['max-connections'], 0);
  await assert.rejects(broker.connect('one too many', 'staging'), /ConnectionClose/);
  await section.getByRole('row', { name: /Connections/ }).getByRole('button').click();
  await confirm('Remove the limit');
  await told('no such limit');
  assert.equal((await limits())['max-connections'], undefined);
  await (await broker.connect('welcome', 'staging')).close();
});

test('sets, changes and deletes a parameter, and names the cluster', async () => {
  await show('/parameters');
  await page.getByRole('link', { name: 'limits', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add a parameter' }).click();
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('mine');
  await page.getByRole('dialog').getByLabel('Value').fill('{"a": 1');
  await confirm('Set the parameter');
  await told('the value is no JSON');
  await page.getByRole('dialog').getByLabel('Value').fill('{"a": 1}');
  await confirm('Set the parameter');
  await told('The parameter mine is set.');
  const value = async () => (await broker.api('GET', 'global-parameters/mine'))?.value;
  assert.deepEqual(await value(), { a: 1 });
  await page.getByRole('button', { name: 'mine', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Value').fill('[2]');
  await confirm('Change the parameter');
  await told('The parameter mine is set.');
  assert.deepEqual(await value(), [2]);
  await page.getByRole('button', { name: 'Delete the parameter mine' }).click();
  await confirm('Delete the parameter');
  await told('mine was deleted.');
  assert.equal(await value(), undefined);
  await panel('Name of the cluster').getByLabel('Name').fill('warren');
  await page.getByRole('button', { name: 'Name the cluster' }).click();
  await told('The cluster is called warren.');
  const connection = await broker.connect('reader');
  assert.equal(connection.connection.serverProperties.cluster_name, 'warren');
  await connection.close();
});

test('an operator policy limits what users set, and tracing copies what is published', async () => {
  const connection = await broker.connect('publisher');
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('limited', { durable: true, arguments: { 'x-max-length': 50 } });
  await show('/policies');
  await page.getByRole('button', { name: 'Add an operator policy' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('tight');
  await dialog.getByLabel('Pattern of names').fill('^limited$');
  await dialog.getByLabel('Add a known one').selectOption('max-length');
  await dialog.getByLabel('Value').fill('2');
  await dialog.getByRole('button', { name: 'Add the policy' }).click();
  await told('The operator policy tight holds.');
  for (let at = 0; at < 5; at += 1) channel.sendToQueue('limited', Buffer.from(String(at)));
  await channel.waitForConfirms();
  assert.equal((await channel.checkQueue('limited')).messageCount, 2);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'amq.rabbitmq.trace', 'publish.#');
  await show('/vhosts/%2F');
  await page.getByRole('button', { name: 'Trace', exact: true }).click();
  await told('Tracing is on.');
  channel.sendToQueue('limited', Buffer.from('seen'));
  await channel.waitForConfirms();
  assert.equal((await channel.get(queue, { noAck: true })).content.toString(), 'seen');
  await page.getByRole('button', { name: 'Stop tracing' }).click();
  await told('Tracing is off.');
  await connection.close();
});

test('publishes to a queue, and rejects what it got into the dead letters', async () => {
  const connection = await broker.connect('reader');
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('graves', { durable: true });
  await channel.assertQueue('mortal', { durable: true, arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'graves' } });
  await show('/queues/%2F/mortal?show=publish');
  await page.getByLabel('Body', { exact: true }).fill('to be rejected');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await told('Published.');
  await show('/queues/%2F/mortal?show=messages');
  await page.getByRole('combobox', { name: 'How', exact: true }).selectOption('reject_requeue_false');
  await page.getByRole('button', { name: 'Get messages' }).click();
  await confirm('Reject (dead letter)');
  await page.locator('message-view').getByText('to be rejected').waitFor();
  const message = await channel.get('graves', { noAck: true });
  assert.equal(message.content.toString(), 'to be rejected');
  assert.equal(message.properties.headers['x-first-death-reason'], 'rejected');
  await connection.close();
});

test('nothing of all this made the page complain', () => assert.deepEqual(complaints, []));
