import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium without a window, with an environment of its own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ARGS, env: { HOME: '/tmp', LANG: 'C.UTF-8' } });
}

/** Null where Chromium is installed; else the sentence that says what is missing. */
export function browserMissing(): string | null {
  return existsSync(EXECUTABLE) ? null : `${EXECUTABLE} is missing: apt-get install chromium`;
}

/** A suite that needs Chromium: where it is missing, a failure in CI and a printed skip elsewhere. */
export function describeInBrowser(title: string, define: (open: () => Browser) => void): void {
  const missing = browserMissing();
  if (missing !== null && process.env['CI'] !== 'true') {
    describe.skip(`${title} (skipped: ${missing})`, () => it('needs Chromium'));
    return;
  }
  describe(title, function () {
    // A page takes a tenth of a second on an idle machine, and seconds on one that also compiles.
    this.timeout(180_000);
    let browser: Browser | null = null;
    before(async () => {
      if (missing !== null) throw new Error(missing);
      browser = await launchBrowser();
    });
    after(async () => browser?.close());
    define(() => {
      if (browser === null) throw new Error('the browser has not been started');
      return browser;
    });
  });
}
