import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import type { NodeSight } from './sights.js';

interface SpanRow {
  guest_id: number;
  node_id: number;
  state: 'running' | 'stopped';
  first_sent: number;
  source: 'agent' | 'manual' | null;
}

/** How far a guest is known: the last instant at which it was seen at all, and seen running. */
export interface Proof {
  lastSeenAt: number | null;
  provenUntil: number | null;
}

/** A guest to be proven; `isOpen: false` where it is known to have no open session. */
export interface ProvenGuest {
  id: number;
  type: GuestType;
  isOpen?: boolean | undefined;
}

/**
 * The proofs of these guests, by guest id (ledger rule 21). A span that is still open reaches to the last good list of the
 * guest's type on its node; before that list, to its own first sample. Without an open session provenUntil may be null.
 */
export async function proofsOf(
  db: Queryable,
  guests: readonly ProvenGuest[],
  sights: ReadonlyMap<number, NodeSight>,
): Promise<Map<number, Proof>> {
  const spans = await openSpans(
    db,
    guests.map((guest) => guest.id),
  );
  // Most guests need no look into their past: their open span says it all.
  const needsPast = guests.filter(({ id, isOpen }) =>
    isOpen !== false ? spans.get(id)?.state !== 'running' : !spans.has(id),
  );
  const proofs = await closedProofs(
    db,
    needsPast.map((guest) => guest.id),
  );
  for (const { id, type } of guests) {
    const span = spans.get(id);
    if (span === undefined) continue;
    const reach = reachOf(span, type, sights.get(span.node_id));
    proofs.set(id, {
      lastSeenAt: reach,
      provenUntil: span.state === 'running' ? reach : (proofs.get(id)?.provenUntil ?? null),
    });
  }
  return proofs;
}

/** A person's word counts to now where nobody looks (wire-contract.md, fine print), or nobody has since it was given. */
function reachOf(span: SpanRow, type: GuestType, sight: NodeSight | undefined): number {
  const sentAt = sight?.sentAt[type] ?? 0;
  const isUnwatched = span.source === 'manual' && sentAt <= span.first_sent;
  return Math.max(span.first_sent, sentAt, isUnwatched ? (sight?.manualUntil ?? 0) : 0);
}

async function openSpans(db: Queryable, guestIds: readonly number[]): Promise<Map<number, SpanRow>> {
  const rows = await inBatches(
    guestIds,
    async (part) =>
      (await db('spans')
        .whereIn('open_guest_id', part)
        .select('guest_id', 'node_id', 'state', 'first_sent', 'source')) as SpanRow[],
  );
  return new Map(rows.map((row) => [row.guest_id, row]));
}

async function closedProofs(db: Queryable, guestIds: readonly number[]): Promise<Map<number, Proof>> {
  const rows = await inBatches(
    guestIds,
    async (part) =>
      (await db('spans')
        .whereIn('guest_id', part)
        .whereNotNull('last_sent')
        .groupBy('guest_id', 'state')
        .select('guest_id', 'state')
        .max('last_sent as last_sent')) as { guest_id: number; state: string; last_sent: number | string }[],
  );
  const proofs = new Map<number, Proof>();
  for (const row of rows) {
    const at = Number(row.last_sent);
    const before = proofs.get(row.guest_id) ?? { lastSeenAt: null, provenUntil: null };
    proofs.set(row.guest_id, {
      lastSeenAt: Math.max(at, before.lastSeenAt ?? 0),
      provenUntil: row.state === 'running' ? at : before.provenUntil,
    });
  }
  return proofs;
}
