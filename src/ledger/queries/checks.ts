import { setImmediate as pause } from 'node:timers/promises';
import { checkGuest } from '../../core/check.js';
import type { CheckContext, CheckedNode, Finding } from '../../core/finding.js';
import type { Queryable } from '../database.js';
import { checkedGuests, type CheckedGuestRow } from './checked-guests.js';
import { nodeSights } from './sights.js';

/** Guests whose sessions are in memory at once. */
const GUESTS_AT_ONCE = 100;

/**
 * Everything that the sanity checker finds in the whole ledger and nobody accepted, by guest. Reads a hundred guests at a
 * time and lets others work in between; a poll that is written meanwhile may be seen by half.
 */
export async function checkLedger(db: Queryable, asOf: number): Promise<Finding[]> {
  const sights = await nodeSights(db);
  const context: CheckContext = { asOf, nodes: await checkedNodes(db) };
  const accepted = await acceptedKeys(db);
  const findings: Finding[] = [];
  let after = 0;
  for (;;) {
    const rows = (await db('guests').where('id', '>', after).orderBy('id').limit(GUESTS_AT_ONCE)) as CheckedGuestRow[];
    const last = rows.at(-1);
    if (last === undefined) return findings;
    for (const guest of await checkedGuests(db, rows, sights)) {
      findings.push(...checkGuest(guest, context).filter((finding) => !accepted.has(finding.key)));
    }
    after = last.id;
    await pause();
  }
}

async function acceptedKeys(db: Queryable): Promise<Set<string>> {
  const rows = (await db('session_corrections').where({ field: 'accept' }).select('finding')) as { finding: string }[];
  return new Set(rows.map((row) => row.finding));
}

async function checkedNodes(db: Queryable): Promise<Map<number, CheckedNode>> {
  const rows = (await db('nodes').select('id', 'name', 'boot_at', 'boot_earliest', 'boot_latest')) as {
    id: number;
    name: string;
    boot_at: number | null;
    boot_earliest: number | null;
    boot_latest: number | null;
  }[];
  return new Map(
    rows.map(({ id, name, boot_at: at, boot_earliest: earliest, boot_latest: latest }) => {
      const boot = at === null || earliest === null || latest === null ? null : { at, earliest, latest };
      return [id, { name, boot }];
    }),
  );
}
