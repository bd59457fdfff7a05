// Pictures of every page, light and dark, wide and narrow: for people to look at.
//
//   LEVERET=… node screenshots.mjs FOLDER [NAME…]

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker, furnish, work } from './broker.mjs';
import { browse, signIn, tab } from './browser.mjs';
import { places } from './places.mjs';

const [folder, ...only] = process.argv.slice(2);
if (!folder) throw new Error('usage: node screenshots.mjs FOLDER [NAME…]');
const SIZES = [['wide', { width: 1280, height: 800 }], ['narrow', { width: 380, height: 780 }]];

async function shoot(page, broker, name, path, kind) {
  await page.goto(`${broker.url}/#${path}`);
  await page.locator('h1').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
  await sleep(300);
  if (name === 'queue-messages') {
    await page.getByRole('button', { name: 'Get messages' }).click();
    await page.locator('message-view').first().waitFor();
  }
  await page.screenshot({ path: join(folder, `${name}-${kind}.png`), fullPage: true });
}

mkdirSync(folder, { recursive: true });
const broker = await Broker.start();
await furnish(broker);
const stop = await work(broker);
const all = (await places(broker)).filter(([name]) => only.length === 0 || only.includes(name));
for (const colorScheme of (process.env.THEMES ?? 'light,dark').split(',')) {
  for (const [size, viewport] of SIZES) {
    const { context, end } = await browse({ colorScheme, viewport });
    const { page, complaints } = await tab(context);
    await page.goto(broker.url);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.screenshot({ path: join(folder, `sign-in-${size}-${colorScheme}.png`) });
    await signIn(page, broker.url);
    await page.locator('h1').waitFor();
    await sleep(6500);
    for (const [name, path] of all) await shoot(page, broker, name, path, `${size}-${colorScheme}`);
    complaints.forEach((one) => console.log(`${size} ${colorScheme}: ${one}`));
    await end();
  }
}
await stop();
await broker.end();
