import { endOf, instantText, nameOf, startOf } from './finding.js';
import type { CheckContext, CheckedEdge, CheckedGuest, CheckedSession, Finding, Repair } from './finding.js';
import { clamp } from './window.js';

/** An open session without a proof for so long asks for a person's word. */
export const UNSEEN_MS = 24 * 3_600_000;
/** Boots are known to the second; moves between nodes as well. */
const SECOND_MS = 1000;

/** What is wrong with one session by itself, or against its guest's end, its node's boot and its own evidence. */
export function checkSession(guest: CheckedGuest, session: CheckedSession, context: CheckContext): Finding[] {
  const found = [
    endBeforeStart(session),
    pastGuestEnd(guest, session),
    ...pastBoots(session, context),
    segmentsDiffer(session),
    unseenOpen(session, context),
    boundsExclude(session, 'start', session.start),
    session.end === null ? null : boundsExclude(session, 'end', session.end),
    contradicted(session),
  ];
  return found
    .filter((one) => one !== null)
    .map(({ key, kind, words, repair }) => ({
      key: `${key}-${session.id}`,
      kind,
      guestId: guest.id,
      sessionId: session.id,
      sentence: `${nameOf(guest)}: session ${session.id} ${words}.`,
      repair,
    }));
}

type Found = Pick<Finding, 'key' | 'kind' | 'repair'> & { words: string };

function setEnd(session: CheckedSession, at: number, where: string): Repair | null {
  // An end before the start would be the next finding.
  if (at < startOf(session)) return null;
  const sentence = `End session ${session.id} ${where}, ${instantText(at)}.`;
  return { sessionId: session.id, field: 'end', at, sentence };
}

function endBeforeStart(session: CheckedSession): Found | null {
  const end = endOf(session);
  const start = startOf(session);
  if (end === null || end >= start) return null;
  return {
    key: 'order',
    kind: 'end_before_start',
    words: `ends ${instantText(end)}, before it begins ${instantText(start)}`,
    repair: setEnd(session, start, 'where it begins, so that it counts nothing'),
  };
}

function pastGuestEnd(guest: CheckedGuest, session: CheckedSession): Found | null {
  const { destroyed } = guest;
  const end = endOf(session);
  if (destroyed === null || (end !== null && end <= destroyed.latest)) return null;
  const what = end === null ? 'is still open' : `goes on until ${instantText(end)}`;
  return {
    key: 'guest-end',
    kind: 'past_guest_end',
    words: `${what}, but the guest was destroyed by ${instantText(destroyed.latest)}`,
    // One that was proven after it is no matter of an end alone.
    repair:
      end === null && session.provenUntil > destroyed.latest
        ? null
        : setEnd(session, destroyed.at, 'when the guest was destroyed'),
  };
}

/** No process outlives its node's boot (ledger rule 15): only what no bound allows is a finding. */
function pastBoots(session: CheckedSession, { nodes }: CheckContext): Found[] {
  return session.segments.flatMap((segment, k) => {
    const node = nodes.get(segment.nodeId);
    const boot = node?.boot ?? null;
    if (node === undefined || boot === null) return [];
    const isLast = k === session.segments.length - 1;
    const begunBy = k === 0 ? (session.start.correctedAt ?? session.start.latest) : segment.startedAt;
    const ranUntil = isLast ? provenEnd(session) : (segment.endedAt ?? segment.startedAt);
    if (begunBy >= boot.earliest || ranUntil <= boot.latest + SECOND_MS) return [];
    return {
      key: `boot-${segment.nodeId}`,
      kind: 'past_node_boot' as const,
      words: `ran on node ${node.name} from ${instantText(segment.startedAt)} to ${instantText(ranUntil)} at least, but the node booted ${instantText(boot.at)}`,
      // An open one runs on after the boot: it is two sessions, which no end alone makes of it.
      repair: isLast && session.end !== null ? setEnd(session, boot.at, `at the boot of node ${node.name}`) : null,
    };
  });
}

/** The earliest instant at which the session can have ended. */
function provenEnd(session: CheckedSession): number {
  if (session.end === null) return session.correctedEndAt ?? session.provenUntil;
  return session.end.correctedAt ?? session.end.earliest ?? session.end.at;
}

/** Segments fill the session as derived without a hole; a correction leaves them as they are. */
function segmentsDiffer(session: CheckedSession): Found | null {
  const { segments, start, end } = session;
  const last = segments.at(-1);
  const isOpen = end === null;
  const isWhole = segments[0]?.startedAt === start.at && last !== undefined && (last.endedAt === null) === isOpen;
  const sumMs = segments.reduce((sum, one) => sum + (one.endedAt ?? one.startedAt) - one.startedAt, 0);
  const wantedMs = isOpen ? (last?.startedAt ?? start.at) - start.at : end.at - start.at;
  if (isWhole && sumMs === wantedMs) return null;
  const words = isOpen
    ? 'is open, but the stretches on its nodes do not reach from its start to now'
    : `lasts ${seconds(wantedMs)}, but the stretches on its nodes sum up to ${seconds(sumMs)}`;
  return { key: 'segments', kind: 'segments_differ', words, repair: last === undefined ? null : layAnew(session) };
}

function layAnew({ id }: CheckedSession): Repair {
  const sentence = `Lay the stretches of session ${id} anew, so that they fill it from its start to its end.`;
  return { sessionId: id, field: 'segments', at: null, sentence };
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function unseenOpen(session: CheckedSession, { asOf, nodes }: CheckContext): Found | null {
  if (endOf(session) !== null || asOf - session.provenUntil <= UNSEEN_MS) return null;
  const node = nodes.get(session.segments.at(-1)?.nodeId ?? -1)?.name ?? 'a node that is not known';
  const hours = Math.floor((asOf - session.provenUntil) / 3_600_000);
  return {
    key: 'unseen',
    kind: 'unseen_open',
    words: `is open on ${node}, but was last proven ${instantText(session.provenUntil)}, ${hours} hours ago`,
    repair: setEnd(session, session.provenUntil, 'at its last proof'),
  };
}

function boundsExclude(session: CheckedSession, field: 'start' | 'end', edge: CheckedEdge): Found | null {
  if (edge.correctedAt !== null) return null;
  const earliest = edge.earliest ?? Number.NEGATIVE_INFINITY;
  if (earliest <= edge.at && edge.at <= edge.latest) return null;
  const from = edge.earliest === null ? 'any time' : instantText(edge.earliest);
  const isPossible = earliest <= edge.latest;
  const at = clamp(edge.at, { earliest, latest: edge.latest });
  const sentence = `Set the ${field} of session ${session.id} to the nearest instant within its bounds, ${instantText(at)}.`;
  return {
    key: `bounds-${field}`,
    kind: 'bounds_exclude_at',
    words: `has its ${field} at ${instantText(edge.at)}, outside its own bounds from ${from} to ${instantText(edge.latest)}`,
    repair: isPossible ? { sessionId: session.id, field, at, sentence } : null,
  };
}

/** An open session that a correction ended, and that was proven running since. */
function contradicted(session: CheckedSession): Found | null {
  const { correctedEndAt, provenUntil } = session;
  if (session.end !== null || correctedEndAt === null || provenUntil <= correctedEndAt) return null;
  return {
    key: 'contradicted',
    kind: 'correction_contradicted',
    words: `was ended by a correction ${instantText(correctedEndAt)}, but was seen running until ${instantText(provenUntil)}`,
    repair: {
      sessionId: session.id,
      field: 'end',
      at: null,
      sentence: `Take the correction of session ${session.id} back: what was derived counts again.`,
    },
  };
}
