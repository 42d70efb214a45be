import type { Management } from './core/management.js';
import type { NodeEntries } from './core/node-entries.js';

/** What was asked for and is not over yet. */
export function underWay(): { during: <T>(work: Promise<T>) => Promise<T>; settled: () => Promise<unknown> } {
  const rounds = new Set<Promise<unknown>>();
  return {
    during: (work) => {
      const round = work.finally(() => rounds.delete(round));
      rounds.add(round);
      return round;
    },
    settled: () => Promise.allSettled(rounds),
  };
}

/** Changes by hand that `stop` waits for. */
export function managementDuring(hands: Management, during: <T>(work: Promise<T>) => Promise<T>): Management {
  return {
    start: (wish) => during(hands.start(wish)),
    stop: (wish) => during(hands.stop(wish)),
    removeNode: (wish) => during(hands.removeNode(wish)),
    removeGuest: (wish) => during(hands.removeGuest(wish)),
    askForSync: (node) => during(hands.askForSync(node)),
  };
}

/** Changes of entries that `stop` waits for. */
export function entriesDuring(entries: NodeEntries, during: <T>(work: Promise<T>) => Promise<T>): NodeEntries {
  return {
    list: () => during(entries.list()),
    read: (text) => entries.read(text),
    add: (fields, speaker, spendKeyId) => during(entries.add(fields, speaker, spendKeyId)),
    edit: (name, fields, speaker) => during(entries.edit(name, fields, speaker)),
    remove: (name, speaker, options) => during(entries.remove(name, speaker, options)),
    test: (name) => during(entries.test(name)),
  };
}
