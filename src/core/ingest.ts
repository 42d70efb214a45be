import type { GuestType } from './observation.js';

/** What an agent says in one call (wire-contract.md, "Ingest"), as the web hands it on: checked in shape, not yet in meaning. */
export interface AgentCall {
  /** What the agent calls its node. */
  node: string;
  /** Unique per node: the same event delivered twice counts once. */
  eventId: string | null;
  /** The agent's clock when it sent the call. */
  sentAt: number | null;
  /** The stamp of what is reported, by the agent's clock. */
  stampAt: number | null;
  arrivedAt: number;
  word: AgentWord;
}

export type AgentWord =
  | { kind: 'register'; hostname: string | null }
  | { kind: 'heartbeat' }
  | { kind: 'start'; vmid: number; type: GuestType; name: string | null }
  /** A stop names no type: it is of the guest that bears the VMID. */
  | { kind: 'stop'; vmid: number }
  | { kind: 'states'; rows: SnapshotRow[] };

/** One guest of a full snapshot. */
export interface SnapshotRow {
  type: GuestType;
  vmid: number;
  name: string | null;
  status: 'running' | 'stopped' | 'paused' | 'unknown';
  /** Whole seconds; null where it was not told. */
  uptimeS: number | null;
  maxMemoryBytes: number | null;
}

/** What a call came to; an event's second delivery is answered like its first. */
export interface AgentAnswer {
  nodeId: number;
  nodeName: string;
  /** Of a start or stop: the session; null where nothing ran. */
  sessionId: number | null;
  /** Of a stop: how long the session lasted. */
  durationMs: number | null;
  /** Of a start: true where it ran already. */
  wasRunning: boolean;
  processedCount: number;
  startedCount: number;
  stoppedCount: number;
  /** True once after a force-sync that concerns the node. */
  isSyncDue: boolean;
}

/** A call that cannot be taken, with the field that is wrong. */
export class AgentCallError extends Error {
  override name = 'AgentCallError';
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

/** Takes a call into the ledger; rejects with AgentCallError where it cannot be. */
export type AcceptCall = (call: AgentCall) => Promise<AgentAnswer>;
