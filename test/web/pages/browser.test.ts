import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { runChecks } from '../../../src/ledger/checks.js';
import { describeInBrowser } from '../../support/browser.js';
import { openSite, siteUser, type Site } from './site.js';
import { seedEntry } from './seed-entry.js';
import { seedFindings } from './seed-findings.js';
import { pagePaths } from './page-paths.js';
import { seedNow } from './seed-plan.js';
import { seedSite } from './seed.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pages = [
  ...pagePaths,
  '/guests/3',
  '/settings/nodes/edit?name=pve-09',
  '/settings/nodes/remove?name=pve-09',
  '/nothing',
];

interface Violation {
  id: string;
  targets: string[];
}

interface Look {
  path: string;
  theme: 'light' | 'dark';
  violations: Violation[];
  /** How far the page is wider than a phone. */
  overflowPx: number;
}

async function lookAt(page: Page, path: string): Promise<Look[]> {
  const looks: Look[] = [];
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width: 1320, height: 800 });
    const violations = await violationsOf(page);
    await page.setViewportSize({ width: 375, height: 700 });
    const overflowPx = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    looks.push({ path, theme, violations, overflowPx });
  }
  return looks;
}

async function violationsOf(page: Page): Promise<Violation[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => ({ id, targets: nodes.map((node) => node.html.slice(0, 160)) }));
  });
}

async function logIn(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}/login`);
  await page.fill('#username', siteUser.name);
  await page.fill('#password', siteUser.password);
  await page.click('main button[type=submit]');
  await page.waitForURL(`${site.url}/`);
  return page;
}

describeInBrowser('pages in a browser', (open: () => Browser) => {
  let site: Site;
  let empty: Site;
  const looks: Look[] = [];
  const complaints: string[] = [];
  before(async () => {
    site = await openSite({
      fill: async (db) => {
        await seedSite(db);
        await seedFindings(db);
        await seedEntry(db);
        await runChecks(db, seedNow);
      },
    });
    empty = await openSite();
    // Each page is loaded once and looked at in both themes and two widths.
    await within({}, async (context) => {
      context.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
      });
      context.on('weberror', (error) => complaints.push(error.error().message));
      const visitor = await context.newPage();
      await visitor.goto(`${empty.url}/login`);
      looks.push(...(await lookAt(visitor, 'login')));
      looks.push(...(await lookAt(await logIn(context, empty), 'first steps')));
      await context.clearCookies();
      const page = await logIn(context, site);
      for (const path of pages) {
        await page.goto(`${site.url}${path}`);
        looks.push(...(await lookAt(page, path)));
      }
    });
  });
  after(async () => {
    await site.close();
    await empty.close();
  });

  async function within(
    options: BrowserContextOptions,
    work: (context: BrowserContext) => Promise<void>,
  ): Promise<void> {
    const context = await open().newContext(options);
    try {
      await work(context);
    } finally {
      await context.close();
    }
  }

  it('have nothing that axe finds in either theme, and break no policy', () => {
    for (const look of looks) expect(look.violations, `${look.path} ${look.theme}`).to.deep.equal([]);
    expect(looks.length).to.equal(2 * (pages.length + 2));
    expect(complaints).to.deep.equal([]);
  });

  it('fit a phone: tables scroll inside their card, never the page', () => {
    expect(looks.filter((look) => look.overflowPx !== 0).map((look) => look.path)).to.deep.equal([]);
  });

  it('work without JavaScript: login, sync, theme, filter, logout', () =>
    within({ javaScriptEnabled: false, colorScheme: 'light' }, async (context) => {
      const page = await logIn(context, site);
      await page.goto(`${site.url}/guests`);
      await page.selectOption('#state', 'running');
      await page.click('main form button');
      expect(page.url()).to.contain('state=running');
      await page.click('form[action="/force-sync"] button');
      expect(page.url()).to.contain('/guests?').and.contain('state=running');
      expect(await page.textContent('[role=status]')).to.contain('Synced: 3 nodes');
      await page.click('button:visible[value=dark]');
      expect(await page.getAttribute('html', 'data-theme')).to.equal('dark');
      await page.click('button:visible[value=light]');
      expect(await page.getAttribute('html', 'data-theme')).to.equal('light');
      await page.click('summary');
      await page.click('form[action="/logout"] button');
      expect(page.url()).to.equal(`${site.url}/login`);
    }));

  it('show where the keyboard is, and skip to the content first', () =>
    within({ viewport: { width: 1320, height: 800 } }, async (context) => {
      const page = await logIn(context, site);
      await page.keyboard.press('Tab');
      expect(await page.textContent(':focus')).to.equal('Skip to the content');
      for (let k = 0; k < 30; k += 1) {
        await page.keyboard.press('Tab');
        const seen = await page.evaluate(() => {
          const { document, getComputedStyle } = globalThis as unknown as {
            document: { activeElement: object | null };
            getComputedStyle(element: object): { outlineStyle: string; outlineWidth: string };
          };
          const style = document.activeElement === null ? null : getComputedStyle(document.activeElement);
          return `${style?.outlineStyle} ${style?.outlineWidth}`;
        });
        expect(seen).to.equal('solid 2px');
      }
    }));

  it('follow the ledger by themselves, and leave a reader alone who is busy', () =>
    within({}, async (context) => {
      const page = await context.newPage();
      await page.clock.install();
      await page.goto(`${site.url}/login`);
      await page.fill('#username', siteUser.name);
      await page.fill('#password', siteUser.password);
      await page.click('main button[type=submit]');
      await page.waitForURL(`${site.url}/`);
      await page.goto(`${site.url}/guests`);
      const id = { vmid: 105 };
      await site.db.writer('guests').where(id).update({ name: 'renamed-once' });
      const fetched = page.waitForResponse((answer) => answer.url() === `${site.url}/guests`);
      await page.clock.fastForward(31_000);
      await fetched;
      await page.waitForSelector('text=renamed-once');
      await page.focus('#q');
      await site.db.writer('guests').where(id).update({ name: 'web-01' });
      let asked = 0;
      page.on('request', () => (asked += 1));
      await page.clock.fastForward(60_000);
      expect(asked).to.equal(0);
    }));

  it('count on how long ago the last sync was', () =>
    within({}, async (context) => {
      const page = await context.newPage();
      await page.clock.install();
      await page.goto(`${site.url}/login`);
      await page.fill('#username', siteUser.name);
      await page.fill('#password', siteUser.password);
      await page.click('main button[type=submit]');
      await page.waitForSelector('.synced time');
      await page.clock.fastForward(3_000);
      expect(await page.textContent('.synced time')).to.match(/^1[5-7] s ago$/);
    }));
});
