import { guestKey, type GuestState } from './guest.js';
import { endWindow, isUnexplained, markOf, type JournalLine, type JournalMark } from './journal.js';
import { meets, type Window } from './window.js';

/**
 * The guests of whose unexplained ends the lines tell, with the marks that are new of them, by key. `writtenAt` brings a stamp
 * of the node's clock to ours. Lines of other guests and other times are not kept.
 */
export function withMarks(
  lines: readonly JournalLine[],
  nodeId: number,
  guestOf: (key: string) => GuestState | null,
  writtenAt: (stampS: number) => Window,
): Map<string, GuestState> {
  const marked = new Map<string, GuestState>();
  for (const line of lines) {
    const told = markOf(line);
    if (told === null) continue;
    const key = guestKey(told.type, told.vmid);
    const guest = marked.get(key) ?? guestOf(key);
    const mark: JournalMark = { nodeId, mark: told.mark, stampS: line.stampS, written: writtenAt(line.stampS) };
    if (guest === null || !isOfUse(mark, guest) || isKnown(mark, guest)) continue;
    marked.set(key, { ...guest, journal: [...(guest.journal ?? []), mark] });
  }
  return marked;
}

function isOfUse(mark: JournalMark, guest: GuestState): boolean {
  return guest.sessions.some(({ session }) => {
    const { end } = session;
    if (end === null || !isUnexplained(session)) return false;
    return meets(endWindow(mark), { earliest: end.earliest ?? end.at, latest: end.latest });
  });
}

function isKnown(mark: JournalMark, guest: GuestState): boolean {
  return (guest.journal ?? []).some(
    (one) => one.nodeId === mark.nodeId && one.mark === mark.mark && one.stampS === mark.stampS,
  );
}
