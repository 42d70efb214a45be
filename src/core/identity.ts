import type { GuestIdentity, GuestType } from './observation.js';
import type { Window } from './window.js';

/** What was learned about who a guest is, beside its samples and tasks (ledger rules 18 and 19). */
export type IdentityFact = {
  /** Our row's id; null until it is written. */
  id: number | null;
  type: GuestType;
  vmid: number;
  nodeId: number;
  /** From sending to receiving; of a clone, its task's from start to end. */
  window: Window;
} & (
  | { kind: 'read'; identity: GuestIdentity; isLogComplete: boolean }
  /** Every member of the cluster said that the config does not exist. */
  | { kind: 'gone' }
  /** The log of a clone's task names this VMID as the new one. */
  | { kind: 'cloned'; upid: string }
);
