// Chromium with a profile of its own, and a page that remembers what it complained about.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function browse(options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'leveret-chromium-'));
  const context = await chromium.launchPersistentContext(folder, { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, viewport: { width: 1280, height: 800 }, ...options });
  const end = async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { context, end };
}

/** A new tab, and the list of what goes wrong in it: errors, refused scripts and styles, answers that fail. */
export async function tab(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(`${message.text()} (${message.location().url})`));
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  return { page, complaints };
}

/** As if it had signed in before. */
export const knowGuest = (page) => page.addInitScript((value) => sessionStorage.setItem('leveret.credentials', value), JSON.stringify(`Basic ${btoa('guest:guest')}`));

export async function signIn(page, url, name = 'guest', password = 'guest') {
  await page.goto(url);
  await page.getByLabel('User', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
