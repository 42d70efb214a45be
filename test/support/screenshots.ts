import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { openSite, siteUser, type Site } from '../web/pages/site.js';
import { seedEntry } from '../web/pages/seed-entry.js';
import { seedSite } from '../web/pages/seed.js';
import { browserMissing, launchBrowser } from './browser.js';

/** Pictures of every page in both themes at two widths: npx tsx test/support/screenshots.ts OUTDIR */

const pages: [string, string][] = [
  ['overview', '/'],
  ['guests', '/guests'],
  ['guest', '/guests/1'],
  ['guest-moved', '/guests/3'],
  ['sessions', '/sessions'],
  ['nodes', '/nodes'],
  ['gaps', '/gaps'],
  ['checks', '/checks'],
  ['entries', '/settings/nodes'],
  ['entry-edit', '/settings/nodes/edit?name=pve-09'],
  ['entry-removal', '/settings/nodes/remove?name=pve-09'],
  ['not-found', '/nothing-here'],
];

const widths = [1320, 375];
const themes = ['light', 'dark'] as const;

async function logIn(page: Page, site: Site): Promise<void> {
  await page.goto(`${site.url}/login`);
  await page.fill('#username', siteUser.name);
  await page.fill('#password', siteUser.password);
  await page.click('main button[type=submit]');
  await page.waitForURL(`${site.url}/`);
}

async function shoot(browser: Browser, folder: string): Promise<void> {
  const site = await openSite({
    fill: async (db) => {
      await seedSite(db);
      await seedEntry(db);
    },
  });
  const empty = await openSite({ users: false });
  const setup = await empty.setupLink();
  for (const theme of themes) {
    for (const width of widths) {
      const context = await browser.newContext({ colorScheme: theme, viewport: { width, height: 800 } });
      const page = await context.newPage();
      const take = async (name: string, url: string): Promise<void> => {
        await page.goto(url);
        await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`), fullPage: true });
      };
      await take('setup', `${empty.url}${setup}`);
      await take('login', `${site.url}/login`);
      await logIn(page, site);
      for (const [name, path] of pages) await take(name, `${site.url}${path}`);
      await page.goto(site.url);
      await page.click('header form[action="/force-sync"] button');
      await page.screenshot({ path: join(folder, `synced-${theme}-${width}.png`) });
      await context.close();
    }
  }
  await shootEmpty(browser, folder, empty, setup);
  await site.close();
  await empty.close();
}

async function shootEmpty(browser: Browser, folder: string, empty: Site, setup: string): Promise<void> {
  const context = await browser.newContext({ colorScheme: 'light', viewport: { width: 1320, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${empty.url}${setup}`);
  await page.fill('#password', siteUser.password);
  await page.fill('#repeat', siteUser.password);
  await page.click('main button[type=submit]');
  await page.waitForURL(`${empty.url}/`);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(folder, `first-steps-light-${width}.png`), fullPage: true });
  }
  await context.close();
}

const folder = process.argv[2];
const missing = browserMissing();
if (folder === undefined || missing !== null) {
  process.stderr.write(`${missing ?? 'usage: npx tsx test/support/screenshots.ts OUTDIR'}\n`);
  process.exitCode = 2;
} else {
  mkdirSync(folder, { recursive: true });
  const browser = await launchBrowser();
  await shoot(browser, folder).finally(() => browser.close());
}
