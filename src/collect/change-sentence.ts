import type { Session } from '../core/session.js';
import type { WrittenGuest } from '../ledger/stores/change.js';

/** What changed for a guest in a poll, a sentence each: what `once` and the log say. */
export function changeSentences({ change, difference }: WrittenGuest): string[] {
  const { type, vmid, profile } = change.after;
  const guest = [type, String(vmid), profile.name].filter((part) => part !== null).join(' ');
  return [
    ...difference.created.map(({ session }) => `${guest} ${createdText(session)}`),
    ...difference.updated.flatMap(({ before, after }) => {
      const text = updatedText(before, after.session);
      return text === null ? [] : [`${guest} ${text}`];
    }),
  ];
}

function createdText({ start, end, endReason }: Session): string {
  const started = `started at ${instant(start.at)} (${start.evidence})`;
  return end === null ? started : `ran: ${started}, ended at ${instant(end.at)} (${endReason ?? end.evidence})`;
}

function updatedText(before: Session, after: Session): string | null {
  if (before.end === null && after.end !== null) {
    return `stopped at ${instant(after.end.at)} (${after.endReason ?? after.end.evidence})`;
  }
  if (before.end !== null && after.end === null) return `runs on: the end at ${instant(before.end.at)} was none`;
  if (before.segments.length !== after.segments.length) return 'moved to another node';
  // Bounds that narrow are no news to a person.
  return null;
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
