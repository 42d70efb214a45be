/** Who says it, for the audit log. */
export interface Speaker {
  /** A user's name or `key <name>`. */
  actor: string;
  address: string | null;
}

/** A person says that a guest runs from now on. */
export interface ManualStart {
  vmid: number;
  /** What the person calls the node. */
  node: string;
  /** Who is to be named as the one who started it; null: the speaker. */
  user: string | null;
  speaker: Speaker;
}

/** A person says that a session is over now. */
export interface ManualStop {
  sessionId: number;
  clusterId: number;
  speaker: Speaker;
}

/** A node is tracked no more. */
export interface NodeRemoval {
  /** Wire name. */
  node: string;
  nodeId: number;
  clusterId: number;
  /** True: its guests and all that is stored of them go too. */
  isPurged: boolean;
  speaker: Speaker;
}

/** A VMID is to be forgotten, with all its incarnations in one cluster. */
export interface GuestRemoval {
  guestId: number;
  clusterId: number;
  speaker: Speaker;
}

/** What was asked contradicts what is known: the sentence says how. */
export class ConflictError extends Error {
  override name = 'ConflictError';
}

/** What people change in the ledger by hand; each call rejects with ConflictError where what is known forbids it. */
export interface Management {
  /** Yields the session that runs then; `isNew` false where it ran already. */
  start(wish: ManualStart): Promise<{ sessionId: number; isNew: boolean }>;
  stop(wish: ManualStop): Promise<void>;
  /** Ends the node's open sessions, reason `removed`; its history stays unless it is purged. Yields how many sessions were deleted. */
  removeNode(wish: NodeRemoval): Promise<number>;
  /** Deletes the guest's rows; a guest that still exists on a polled node is found anew by the next poll. */
  removeGuest(wish: GuestRemoval): Promise<{ guestCount: number; sessionCount: number }>;
  /** The agents of the node, or of all, are to be told at their next heartbeat to send all that they see; yields how many. */
  askForSync(node: string | null): Promise<number>;
}
