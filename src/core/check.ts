import { checkSession } from './check-session.js';
import { endOf, instantText, nameOf, startOf } from './finding.js';
import type { CheckContext, CheckedGuest, CheckedSession, Finding } from './finding.js';

/** What is wrong with one incarnation's sessions, in their order; the facts are left as they are. */
export function checkGuest(guest: CheckedGuest, context: CheckContext): Finding[] {
  const sessions = [...guest.sessions].sort((a, b) => startOf(a) - startOf(b) || a.id - b.id);
  return [
    ...checkNeighbours(guest, sessions),
    ...sessions.flatMap((session, k) => checkSession(guest, ownProof(session, sessions[k + 1]), context)),
    ...guest.conflicts.map((conflict): Finding => ({
      key: `conflict-${conflict.id}`,
      kind: 'evidence_conflict',
      guestId: guest.id,
      sessionId: conflict.sessionId,
      sentence: `${nameOf(guest)}: two pieces of evidence of a session's ${conflict.edge} exclude each other: ${conflict.kept} was kept, ${conflict.setAside} was set aside.`,
      repair: null,
    })),
  ];
}

/** The last proof of a guest is its newest session's: an older one is proven no further than to where the next begins. */
function ownProof(session: CheckedSession, next: CheckedSession | undefined): CheckedSession {
  return next === undefined ? session : { ...session, provenUntil: Math.min(session.provenUntil, startOf(next)) };
}

/** Sessions of one incarnation follow each other: none begins before the one before has ended. */
function checkNeighbours(guest: CheckedGuest, sessions: readonly CheckedSession[]): Finding[] {
  const findings: Finding[] = [];
  let before: CheckedSession | null = null;
  for (const session of sessions) {
    const beforeEnd: number | null = before === null ? null : endOf(before);
    if (before !== null && (beforeEnd === null || beforeEnd > startOf(session))) {
      findings.push(overlapOf(guest, before, session));
    }
    // The one that reaches furthest is what the next may run into; an open one is told of once.
    const end = endOf(session);
    if (beforeEnd === null || end === null || end >= beforeEnd) before = session;
  }
  return findings;
}

function overlapOf(guest: CheckedGuest, before: CheckedSession, session: CheckedSession): Finding {
  const isBothOpen = endOf(before) === null && endOf(session) === null;
  const start = startOf(session);
  const sentence = isBothOpen
    ? `${nameOf(guest)}: the sessions ${before.id} and ${session.id} are both open, but a guest runs once at a time.`
    : `${nameOf(guest)}: session ${before.id} ${endWords(before)}, but session ${session.id} began ${instantText(start)}: the time of both is counted twice.`;
  return {
    key: `${isBothOpen ? 'open' : 'overlap'}-${before.id}-${session.id}`,
    kind: isBothOpen ? 'two_open' : 'overlap',
    guestId: guest.id,
    sessionId: before.id,
    sentence,
    repair: {
      sessionId: before.id,
      field: 'end',
      at: start,
      sentence: `End session ${before.id} where session ${session.id} begins, ${instantText(start)}.`,
    },
  };
}

function endWords(session: CheckedSession): string {
  const end = endOf(session);
  return end === null ? 'is still open' : `ended ${instantText(end)}`;
}
