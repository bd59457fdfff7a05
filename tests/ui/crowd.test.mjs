// A crowded broker stays smooth, an empty one says what to do, and a lost one is waited for.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker } from './broker.mjs';
import { browse, signIn, tab } from './browser.mjs';

const QUEUES = 10_000;

let broker, browser;

before(async () => {
  broker = await Broker.start();
  browser = await browse();
});

after(async () => {
  await browser?.end();
  await broker?.end();
});

test('an empty broker says what to do next, with the command', async () => {
  const { page } = await tab(browser.context);
  await signIn(page, broker.url);
  await page.locator('h1').waitFor();
  for (const [path, title] of [['queues', 'No queues yet'], ['connections', 'Nobody is connected'], ['policies', 'No policies']]) {
    await page.goto(`${broker.url}/#/${path}`);
    await page.getByText(title).waitFor();
    await page.locator('.empty pre').first().waitFor();
  }
  await page.close();
});

test('ten thousand queues: only the rows that are seen are there', async () => {
  const connection = await broker.connect('crowd');
  const channel = await connection.createChannel();
  for (let at = 0; at < QUEUES; at += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, one) => channel.assertQueue(`queue.${String(at + one).padStart(5, '0')}`, { durable: true })));
  }
  await connection.close();
  const { page, complaints } = await tab(browser.context);
  await signIn(page, broker.url);
  await page.locator('h1').waitFor();
  await page.goto(`${broker.url}/#/queues`);
  await page.getByText('10,000 queues').waitFor();
  const rows = () => page.locator('tbody tr:not(.spacer)').count();
  assert.ok((await rows()) < 120, `${await rows()} rows`);
  await page.locator('.table-scroll').evaluate((element) => (element.scrollTop = element.scrollHeight));
  await page.getByRole('link', { name: 'queue.09999' }).waitFor();
  assert.ok((await rows()) < 120, `${await rows()} rows`);
  await page.getByRole('searchbox').fill('.04');
  await page.getByText('1,000 of 10,000 queues').waitFor();
  await page.getByRole('combobox', { name: 'Rows on a page' }).selectOption('100');
  await page.getByText('Page 1 of 10').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('link', { name: 'queue.04100' }).waitFor();
  assert.deepEqual(complaints, []);
  await page.close();
});

test('a lost connection is shown, and heals', async () => {
  const { page } = await tab(browser.context);
  await signIn(page, broker.url);
  await page.locator('h1').waitFor();
  await broker.api('PUT', 'queues/%2F/before', {});
  await page.goto(`${broker.url}/#/queues`);
  await page.getByRole('searchbox').fill('before');
  await page.getByRole('link', { name: 'before' }).waitFor();
  await broker.stop();
  await page.getByRole('alert').getByText('The broker does not answer').waitFor();
  await broker.startAgain();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Live', exact: true }).waitFor();
  // The broker that came back knows nothing of before: lists are loaded anew, and news come again.
  await page.getByText('No queues yet').waitFor();
  await broker.api('PUT', 'queues/%2F/before', {});
  await page.getByRole('link', { name: 'before' }).waitFor();
  await page.close();
});
