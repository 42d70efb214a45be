import type { Management } from '../core/management.js';
import { ManualDesk, type DeskParts } from './manual-desk.js';

/** What people change in the ledger by hand, one desk a kind of change. */
export function managementOf(parts: DeskParts): Management {
  const manual = new ManualDesk(parts);
  return {
    start: (wish) => manual.start(wish),
    stop: (wish) => manual.stop(wish),
  };
}
