import type { NodeCoverage } from './coverage.js';
import type { Derived } from './derive.js';
import type { GuestState, LastSamples } from './guest.js';
import type { NodeState } from './node-state.js';
import type { OpenGuests } from './open-guests.js';
import type { StateSample } from './pause-span.js';
import type { ToldState } from './run-state.js';

/** What memory holds of one cluster: the facts and what was derived from them. Built from the database at start. */
export interface ClusterState {
  nodes: Map<number, NodeState>;
  /** By guestKey. */
  guests: Map<string, GuestState>;
  /** By guestKey. */
  samples: LastSamples;
  /** By guestKey, from the cluster's resources: null where none; a guest that they never told of is missing. */
  pools: Map<string, string | null>;
  /** By guestKey: guests that a migration moved, and when it counts as one out of our sight if no node shows them. */
  pending: Map<string, number>;
  /** By guestKey, in memory only: what the cluster's resources said last. */
  told?: Map<string, ToldState>;
  /** By guestKey, in memory only: the newest sample of each VM's state. */
  states?: Map<string, StateSample>;
  /** By node: how far its log was read. A node that is missing was never read. */
  coverage?: Map<number, NodeCoverage>;
  /** Which guests the nodes' last lists held; made from the guests where it is missing. */
  open?: OpenGuests;
}

/** A guest whose facts changed in a poll, with what they now yield. */
export interface GuestChange {
  key: string;
  before: GuestState | null;
  after: GuestState;
  derived: Derived;
}
