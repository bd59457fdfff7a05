// Definitions out and in: the difference is shown first, nothing changes before it is confirmed, and then it did.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Broker } from './broker.mjs';
import { browse, signIn, tab } from './browser.mjs';

let broker, browser, page, complaints;

before(async () => {
  broker = await Broker.start();
  await broker.api('PUT', 'queues/%2F/there', { durable: true });
  await broker.api('PUT', 'policies/%2F/short', { pattern: '^t', 'apply-to': 'queues', priority: 1, definition: { 'max-length': 10, expires: 60000 } });
  browser = await browse({ acceptDownloads: true });
  ({ page, complaints } = await tab(browser.context));
  await signIn(page, broker.url);
  await page.locator('main h1').waitFor();
  await page.goto(`${broker.url}/#/definitions`);
  await page.locator('h1', { hasText: 'Definitions' }).waitFor();
});

after(async () => {
  await browser?.end();
  await broker?.end();
});

const choose = (definitions, name = 'mine.json') => page.locator('#definitions-file').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(typeof definitions === 'string' ? definitions : JSON.stringify(definitions)) });

async function imported() {
  const note = page.locator('.note', { hasText: 'mine.json was imported.' });
  await note.getByRole('button').click();
  await note.waitFor({ state: 'detached' });
}

const MINE = {
  queues: [
    { name: 'there', vhost: '/', durable: true, auto_delete: false, arguments: {} },
    { name: 'fresh', vhost: '/', durable: true, auto_delete: false, arguments: { 'x-max-length': 3, 'x-overflow': 'reject-publish' } },
    { name: 'amq.own', vhost: '/', durable: true, auto_delete: false, arguments: {} },
  ],
  exchanges: [{ name: 'in', vhost: '/', type: 'fanout', durable: true, auto_delete: false, internal: false, arguments: {} }],
  bindings: [{ source: 'in', vhost: '/', destination: 'fresh', destination_type: 'queue', routing_key: '', arguments: {} }],
  policies: [{ vhost: '/', name: 'short', pattern: '^t', 'apply-to': 'queues', priority: 1, definition: { 'max-length': 20 } }],
};

test('shows what an import would add, change, leave and pass over; nothing is done yet', async () => {
  const before = await broker.api('GET', 'definitions');
  await choose(MINE);
  await page.getByText('mine.json would add 3, change 1.').waitFor();
  const section = (name) => page.locator('.difference', { has: page.locator('summary', { hasText: name }) });
  assert.deepEqual(await section('Queues').locator('li').allInnerTexts(), ['+\nAdded:\nfresh in /', '–\namq.own in / passed over: names that begin with amq. are reserved', '=\nthere in /']);
  const policy = await section('Policies').locator('.field-change').allInnerTexts();
  assert.deepEqual(policy, ['max-length: 10 20', 'expires: 60000 (not set)']);
  assert.deepEqual(await broker.api('GET', 'definitions'), before);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('.difference').first().waitFor({ state: 'detached' });
  assert.deepEqual(await broker.api('GET', 'definitions'), before);
});

test('imports what was confirmed, and a client finds it', async () => {
  await choose(MINE);
  await page.getByRole('button', { name: 'Import: add 3, change 1' }).click();
  await imported();
  await page.getByText('mine.json would change nothing.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Import', exact: true }).isDisabled());
  const connection = await broker.connect('reader');
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('fresh', { durable: true, arguments: { 'x-max-length': 3, 'x-overflow': 'reject-publish' } });
  channel.publish('in', '', Buffer.from('by the new binding'));
  await channel.waitForConfirms();
  const message = await channel.get('fresh', { noAck: true });
  assert.equal(message.content.toString(), 'by the new binding');
  await connection.close();
  assert.deepEqual((await broker.api('GET', 'policies/%2F/short')).definition, { 'max-length': 20 });
});

test('what is wrong with a file is told as the broker says it, and nothing of it is done', async () => {
  await choose('no JSON {');
  await page.getByRole('alert').getByText('That is no file of definitions').waitFor();
  assert.deepEqual(complaints, []);
  await choose({ ...MINE, queues: [{ name: 'half', vhost: '/' }], bindings: [{ ...MINE.bindings[0], destination: 'nowhere' }] });
  await page.getByRole('alert').getByText('nowhere').waitFor();
  assert.equal(await broker.api('GET', 'queues/%2F/half'), null);
  assert.match(complaints.pop(), /400/);
});

test('exports all, or what one virtual host has', async () => {
  const save = async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download definitions' }).click();
    return JSON.parse(readFileSync(await (await download).path(), 'utf8'));
  };
  const all = await save();
  assert.ok(all.users.some((one) => one.name === 'guest'));
  assert.deepEqual(all.queues.map((one) => one.name).sort(), ['fresh', 'there']);
  await broker.api('PUT', 'vhosts/other');
  await broker.api('PUT', 'permissions/other/guest', { configure: '.*', write: '.*', read: '.*' });
  await broker.api('PUT', 'queues/other/only', { durable: true });
  await page.getByRole('combobox', { name: 'Virtual host shown' }).selectOption('other');
  const one = await save();
  assert.equal(one.users, undefined);
  assert.deepEqual(one.queues.map((queue) => queue.name), ['only']);
  await choose({ queues: [{ name: 'into other', durable: true, auto_delete: false, arguments: {} }] });
  await page.getByRole('button', { name: 'Import: add 1' }).click();
  await imported();
  assert.notEqual(await broker.api('GET', 'queues/other/into%20other'), null);
});

test('nothing of all this made the page complain', () => assert.deepEqual(complaints, []));
