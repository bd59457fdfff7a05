// Every page opens without a complaint, is accessible in both themes, and does with the keyboard and the URL what it says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { Broker, furnish, work } from './broker.mjs';
import { browse, knowGuest, signIn, tab } from './browser.mjs';
import { PLACES, places } from './places.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let broker, stop, browser, here;

before(async () => {
  broker = await Broker.start();
  await furnish(broker);
  stop = await work(broker);
  browser = await browse();
  here = new Map(await places(broker));
});

after(async () => {
  await browser?.end();
  await stop?.();
  await broker?.end();
});

/** A signed-in tab for one test; complaints fail it, unless they are expected. */
async function inTab(run, { expected = [] } = {}) {
  const { page, complaints } = await tab(browser.context);
  try {
    await knowGuest(page);
    await run(page);
    assert.deepEqual(complaints.filter((one) => !expected.some((known) => one.includes(known))), []);
  } finally {
    await page.close();
  }
}

async function show(page, path) {
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('main h1').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
}

async function violations(page) {
  // Through the debugger, not as a script of the page: its policy would refuse that.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
}

test('signs in and out, and says why it was refused', async () => {
  const { page } = await tab(browser.context);
  await signIn(page, broker.url, 'guest', 'wrong');
  await page.getByRole('alert').getByText('not_authorized').waitFor();
  await signIn(page, broker.url, 'shop', 'shop');
  await page.getByRole('alert').getByText('Not management user').waitFor();
  await signIn(page, broker.url);
  await page.locator('main h1').waitFor();
  assert.match(await page.title(), /^Overview/);
  await page.reload();
  await page.locator('main h1').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem('leveret.credentials')), null);
  await page.close();
});

for (const theme of ['light', 'dark']) {
  describe(`${theme} pages are accessible and silent`, () => {
    for (const [name] of PLACES) {
      test(name, () => inTab(async (page) => {
        await page.emulateMedia({ colorScheme: theme });
        await show(page, here.get(name));
        assert.deepEqual(await violations(page), []);
      }));
    }
  });
}

test('messages that are opened, and the window to move them, are accessible', () => inTab(async (page) => {
  await show(page, '/queues/%2F/celery?show=messages');
  for (const at of [0, 1]) await page.locator('.opener').nth(at).click();
  await page.locator('message-view').nth(1).waitFor();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), []);
    await page.getByRole('button', { name: /^Move all/ }).click();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
}));

test('what an import would change is accessible', () => inTab(async (page) => {
  const definitions = { ...(await broker.api('GET', 'definitions')), policies: [], queues: [{ name: 'new', vhost: '/', durable: true, auto_delete: false, arguments: {} }] };
  definitions.users = definitions.users.map((user) => ({ ...user, tags: ['management'] }));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await show(page, '/definitions');
    await page.locator('#definitions-file').setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(definitions)) });
    await page.locator('.changed').first().waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole('button', { name: 'Cancel' }).click();
  }
}));

test('who wants no motion, more contrast or colours of their own gets them', () => inTab(async (page) => {
  for (const wanted of [{ reducedMotion: 'reduce' }, { contrast: 'more' }, { contrast: 'more', colorScheme: 'dark' }, { forcedColors: 'active' }]) {
    await page.emulateMedia({ reducedMotion: null, contrast: null, colorScheme: 'light', forcedColors: null, ...wanted });
    for (const path of ['/', '/topology']) {
      await show(page, path);
      assert.deepEqual(await violations(page), [], `${path} ${JSON.stringify(wanted)}`);
      const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').length);
      assert.ok(!wanted.reducedMotion || moving === 0, `${moving} animations on ${path}`);
    }
  }
  // Drawings take the colours of the system too.
  await show(page, '/topology');
  const colors = await page.locator('.graph .text').first().evaluate((element) => {
    const probe = document.createElement('i');
    probe.style.color = 'CanvasText';
    document.body.append(probe);
    return [getComputedStyle(element).fill, getComputedStyle(probe).color];
  });
  assert.equal(colors[0], colors[1]);
}));

test('no page is wider than a small screen', () => inTab(async (page) => {
  await page.setViewportSize({ width: 380, height: 780 });
  for (const [name, path] of here) {
    await show(page, path);
    // The page before it may still be there for a moment.
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth).catch(() => assert.fail(name));
  }
}));

test('the windows are accessible', () => inTab(async (page) => {
  await show(page, '/queues');
  await page.getByRole('button', { name: 'Add a queue' }).click();
  await page.getByRole('button', { name: 'Add an argument' }).click();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}));

test("RabbitMQ's links lead to the same things", () => inTab(async (page) => {
  const leads = { '/queues/%2F/orders.billing': 'orders.billing', '/exchanges/%2F/amq.default': '(default exchange)', '/vhosts/%2F': '/', '/policies/%2F/keep-short': 'keep-short', '/feature-flags': 'Feature flags', '/deprecated-features': 'Deprecated features' };
  for (const [path, title] of Object.entries(leads)) {
    await show(page, path);
    await page.locator('main h1', { hasText: title }).waitFor();
  }
  await page.goto(`${broker.url}/#/top`);
  await page.getByText('There is no such page').waitFor();
}));

test('tables filter, sort, page and choose columns, and all of it is in the URL', () => inTab(async (page) => {
  await show(page, '/queues');
  const names = () => page.locator('tbody td.first').allInnerTexts();
  const hash = () => page.evaluate(() => decodeURIComponent(location.hash));
  await page.keyboard.press('/');
  await page.keyboard.type('billing');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  assert.match(await hash(), /filter=billing/);
  await page.getByRole('searchbox').fill('^orders\\.(a|s)');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await page.waitForFunction(() => document.querySelector('tbody td.first')?.textContent === 'orders.audit');
  assert.deepEqual(await names(), ['orders.audit', 'orders.shipping']);
  await page.getByRole('searchbox').fill('(');
  await page.locator('.hint.bad').waitFor();
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('Nothing matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByRole('button', { name: 'Name' }).click();
  await page.locator('th[aria-sort=descending]').waitFor();
  assert.equal((await names())[0], 'orders.shipping');
  assert.match(await hash(), /sort=-name/);
  await page.getByRole('button', { name: 'Choose columns' }).click();
  await page.getByRole('checkbox', { name: 'Policy', exact: true }).uncheck();
  assert.equal(await page.getByRole('columnheader', { name: 'Policy' }).count(), 0);
  await page.reload();
  await page.locator('th[aria-sort=descending]').waitFor();
  assert.equal(await page.getByRole('columnheader', { name: 'Policy' }).count(), 0);
}));

test('the keyboard goes to pages and tells its keys', () => inTab(async (page) => {
  await show(page, '/');
  await page.keyboard.press('g');
  await page.keyboard.press('q');
  await page.locator('h1', { hasText: 'Queues' }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === 'H1');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
}));

test('the virtual host chosen limits lists and stays', () => inTab(async (page) => {
  await show(page, '/queues');
  await page.getByRole('combobox', { name: 'Virtual host shown' }).selectOption('staging');
  await page.getByText('1 queue', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Exchanges', exact: true }).click();
  await page.locator('h1', { hasText: 'Exchanges' }).waitFor();
  assert.match(await page.evaluate(() => location.hash), /vhost=staging/);
}));

test('what happens is shown without a reload', () => inTab(async (page) => {
  await show(page, '/queues');
  await broker.api('PUT', 'queues/%2F/just-made', {});
  await page.getByRole('link', { name: 'just-made' }).waitFor();
  await broker.api('DELETE', 'queues/%2F/just-made');
  await page.getByRole('link', { name: 'just-made' }).waitFor({ state: 'detached' });
}));

test('errors of the API are shown as they are', () => inTab(async (page) => {
  await show(page, '/queues/%2F/not-there');
  await page.getByRole('alert').getByText('Object Not Found: Not Found').first().waitFor();
}, { expected: ['404'] }));

test('who may not administrate is not offered it', async () => {
  const { page, complaints } = await tab(browser.context);
  await signIn(page, broker.url, 'ops', 'ops');
  await page.locator('main h1').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0);
  assert.equal(await page.getByRole('heading', { name: 'Definitions' }).count(), 0);
  await page.getByRole('link', { name: 'Queues', exact: true }).first().click();
  await page.locator('h1', { hasText: 'Queues' }).waitFor();
  assert.deepEqual(complaints, []);
  await page.close();
});
