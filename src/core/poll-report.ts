/** What a round of polls found: the answer to force-sync, `sessions/sync`, `once` and the log line of a cycle. */
export interface PollReport {
  nodes: NodePollReport[];
  sessionsCreated: number;
  sessionsUpdated: number;
  /** Guests seen without any change. */
  sessionsSkipped: number;
}

export interface NodePollReport {
  /** The node's name on the wire. */
  node: string;
  /** True when both tracked lists were seen. */
  isSeen: boolean;
  /** One sentence when not everything was seen; else null. */
  error: string | null;
  guestCount: number;
  /** Sentences for `once`: "qemu 104 vGPU-1 started at ...". */
  changes: string[];
}

export interface PollRequest {
  /** Wire names of the nodes to poll; null: all. */
  nodes: string[] | null;
}

/** Polls that begin after this call (ledger rule 2); resolves when they are applied. */
export type PollNow = (request: PollRequest) => Promise<PollReport>;
