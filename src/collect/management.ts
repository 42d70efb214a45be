import type { Management } from '../core/management.js';
import { askForSync, clustersWithAgents } from '../ledger/stores/agents.js';
import { ManualDesk, type DeskParts } from './manual-desk.js';
import { RemovalDesk } from './removal-desk.js';

/** What people change in the ledger by hand, one desk a kind of change. */
export function managementOf(parts: DeskParts): Management {
  const manual = new ManualDesk(parts);
  const removal = new RemovalDesk(parts);
  return {
    start: (wish) => manual.start(wish),
    stop: (wish) => manual.stop(wish),
    removeNode: (wish) => removal.removeNode(wish),
    removeGuest: (wish) => removal.removeGuest(wish),
    askForSync: (node) => askAgents(parts, node),
  };
}

/** One cluster after another, each beside its agents' own calls: a heartbeat that is being answered must not undo it. */
async function askAgents({ db, queue, ledgerOf }: DeskParts, node: string | null): Promise<number> {
  let count = 0;
  for (const clusterId of await clustersWithAgents(db.reader, node)) {
    count += await queue.call(await ledgerOf(clusterId), (trx) => askForSync(trx, clusterId, node));
  }
  return count;
}
