// A Celery worker runs, and the page shows it while it does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { Broker } from './broker.mjs';
import { browse, knowGuest, tab } from './browser.mjs';

const CLIENTS = fileURLToPath(new URL('../clients', import.meta.url));

let broker, browser, client, channel, worker, page, complaints;

before(async () => {
  broker = await Broker.start();
  worker = spawn(process.env.PYTHON, ['-m', 'celery', '-A', 'tasks', 'worker', '-P', 'solo', '-l', 'INFO', '--without-mingle', '--without-gossip'], {
    cwd: CLIENTS,
    env: { ...process.env, TASKS_BROKER: `amqp://guest:guest@127.0.0.1:${broker.port}//`, TASKS_BACKEND: 'rpc://', TASKS_SETTINGS: '{}', PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', C_FORCE_ROOT: '1' },
  });
  for await (const line of createInterface({ input: worker.stderr })) if (/ ready\./.test(line)) break;
  worker.stderr.resume();
  worker.stdout.resume();
  client = await broker.connect('producer');
  channel = await client.createConfirmChannel();
  browser = await browse();
  ({ page, complaints } = await tab(browser.context));
  await knowGuest(page);
});

after(async () => {
  worker?.kill('SIGTERM');
  if (worker && worker.exitCode === null) await once(worker, 'exit');
  await client?.close();
  await browser?.end();
  await broker?.end();
});

/** As Celery's own clients send it. */
async function call(task, args) {
  const id = randomUUID();
  const headers = { lang: 'py', task, id, root_id: id, parent_id: null, group: null, argsrepr: JSON.stringify(args), kwargsrepr: '{}' };
  const body = JSON.stringify([args, {}, { callbacks: null, errbacks: null, chain: null, chord: null }]);
  channel.publish('', 'celery', Buffer.from(body), { headers, contentType: 'application/json', contentEncoding: 'utf-8', correlationId: id });
  await channel.waitForConfirms();
}

test('the numbers of its queue move while a Celery worker runs', { timeout: 60_000 }, async () => {
  await page.goto(`${broker.url}/#/queues`);
  const row = page.locator('tr', { has: page.getByRole('link', { name: 'celery', exact: true }) });
  await row.waitFor();
  // Until the page shows a rate of what the worker acknowledged, however slow this machine is.
  const moving = row.locator('td', { hasText: /^[1-9][\d.,]*\/s$/ }).first();
  const seen = moving.waitFor().then(() => true);
  for (let done = false; !done;) done = await Promise.race([seen, call('tasks.add', [20, 22]).then(() => false)]);
  await page.goto(`${broker.url}/#/connections`);
  await page.getByText('celery@', { exact: false }).or(page.getByText('py-amqp')).first().waitFor();
  assert.deepEqual(complaints, []);
});
