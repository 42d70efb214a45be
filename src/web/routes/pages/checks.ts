import type { Context } from 'koa';
import { runChecks, settleFinding, SettleError } from '../../../ledger/checks.js';
import { listCorrections } from '../../../ledger/queries/corrections.js';
import { lastCheck, listFindings } from '../../../ledger/queries/findings.js';
import { guestsByIds } from '../../../ledger/queries/pages-counts.js';
import { MAX_FINDINGS } from '../../../ledger/stores/findings.js';
import { hasScope, identityOf, nameOf } from '../../authenticate.js';
import { formOf } from '../../body.js';
import { WebError } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { correctionRow, findingRow } from '../../present/pages-checks.js';
import { agoText, countOf, countText } from '../../present/pages-figures.js';
import { setFlash } from './flash.js';
import { showPage } from './frame.js';
import type { MonthFigures } from './month-figures.js';
import { numberOf, PER_PAGE, pagerOf } from './page-query.js';

/** GET /checks: what cannot be true in the ledger, and every word that people said of it. */
export async function checksPage(ctx: Context, parts: WebParts): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const findings = await listFindings(db);
  const corrections = await listCorrections(db, { page: numberOf(ctx, 'page') ?? 1, perPage: PER_PAGE });
  const ids = new Set([...findings, ...corrections.items].map((one) => one.guestId));
  const guests = new Map((await guestsByIds(db, [...ids])).map((guest) => [guest.id, guest]));
  const last = await lastCheck(db);
  await showPage(
    ctx,
    parts,
    'checks',
    { title: 'Checks', section: 'checks', asOf, isRefreshing: false },
    {
      summary: summaryOf(findings.length, last, asOf),
      isChecked: last !== null,
      canSettle: hasScope(identityOf(ctx), 'admin'),
      findings: findings.map((finding) => findingRow(finding, guests, zone, asOf)),
      corrections: corrections.items.map((one) => correctionRow(one, guests, zone, asOf)),
      pager: pagerOf(ctx, corrections),
    },
  );
}

function summaryOf(count: number, last: { at: number; count: number } | null, asOf: number): string {
  if (last === null) return 'The ledger is checked once a day; the first run is still to come.';
  // Only of a great many not all are kept.
  const kept = count >= MAX_FINDINGS ? `the first ${countOf(count, 'finding')} of ${countText(last.count)}` : '';
  const found = kept === '' ? countOf(count, 'finding') : kept;
  return `${found}, checked ${agoText(asOf - last.at)} ago. The ledger is checked once a day.`;
}

/** POST /checks/run: looks through the whole ledger now. */
export async function runChecksNow(ctx: Context, parts: WebParts): Promise<void> {
  const findings = await runChecks(parts.db, parts.clock.now());
  setFlash(
    ctx,
    findings.length === 0
      ? { tone: 'good', text: 'Checked: nothing in the ledger contradicts anything else.' }
      : { tone: 'warn', text: `Checked: ${countOf(findings.length, 'finding')}.` },
  );
  backToChecks(ctx);
}

/** POST /checks/settle: records the correction that a finding offers, or that it is accepted, with its reason. */
export async function settle(ctx: Context, parts: WebParts, figures: MonthFigures): Promise<void> {
  const form = formOf(ctx);
  const action = form.get('action');
  if (action !== 'repair' && action !== 'accept') throw new WebError(422, 'action must be repair or accept.');
  const wish = {
    key: form.get('key') ?? '',
    action,
    reason: form.get('reason') ?? '',
    actor: nameOf(identityOf(ctx)),
    address: ctx.ip,
  } as const;
  try {
    setFlash(ctx, { tone: 'good', text: await settleFinding(parts.db, wish, parts.clock.now()) });
    figures.forget();
  } catch (error) {
    if (!(error instanceof SettleError)) throw error;
    setFlash(ctx, { tone: 'fault', text: `Nothing was changed: ${error.message}.` });
  }
  backToChecks(ctx);
}

function backToChecks(ctx: Context): void {
  ctx.status = 303;
  ctx.redirect('/checks');
}
