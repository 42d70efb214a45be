import type { FindingKind } from '../../core/finding.js';
import type { CorrectionView } from '../../ledger/queries/corrections.js';
import type { FindingView } from '../../ledger/queries/findings.js';
import type { GuestView } from '../../ledger/queries/read-model.js';
import { zoneClock, type InstantFigure } from './pages-figures.js';
import { guestHref, guestName } from './pages-guests.js';

export interface FindingRow {
  key: string;
  what: string;
  guest: GuestLink;
  sentence: string;
  since: InstantFigure;
  /** The correction on offer; empty where none is certain. */
  repair: string;
}

interface GuestLink {
  href: string;
  vmid: string;
  name: string;
}

const words: Record<FindingKind, string> = {
  overlap: 'Counted twice',
  two_open: 'Two open sessions',
  past_guest_end: 'Past its guest’s end',
  past_node_boot: 'Past its node’s boot',
  end_before_start: 'End before start',
  segments_differ: 'Stretches do not sum up',
  unseen_open: 'Open, not seen for a day',
  bounds_exclude_at: 'Outside its own bounds',
  evidence_conflict: 'Evidence contradicts',
  correction_contradicted: 'Correction contradicted',
};

/** A row of the checks page. */
export function findingRow(
  finding: FindingView,
  guests: ReadonlyMap<number, GuestView>,
  zone: string,
  asOf: number,
): FindingRow {
  return {
    key: finding.key,
    what: words[finding.kind],
    guest: guestLink(finding.guestId, guests),
    sentence: finding.sentence,
    since: zoneClock(zone).instant(finding.firstFoundAt, asOf),
    repair: finding.repair?.sentence ?? '',
  };
}

export interface CorrectionRow {
  at: InstantFigure;
  guest: GuestLink;
  actor: string;
  what: string;
  reason: string;
}

/** A row of what was said before: the newest word on an edge counts, the others stay on record. */
export function correctionRow(
  correction: CorrectionView,
  guests: ReadonlyMap<number, GuestView>,
  zone: string,
  asOf: number,
): CorrectionRow {
  return {
    at: zoneClock(zone).instant(correction.createdAt, asOf),
    guest: guestLink(correction.guestId, guests),
    actor: correction.actor,
    what: correction.field === 'accept' ? `Accepted: ${correction.sentence}` : correction.sentence,
    reason: correction.reason,
  };
}

function guestLink(id: number, guests: ReadonlyMap<number, GuestView>): GuestLink {
  const guest = guests.get(id);
  const name = guest === undefined ? 'guest' : guestName(guest);
  return { href: guestHref(id), vmid: guest === undefined ? String(id) : String(guest.vmid), name };
}
