import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import { backoffMs } from './backoff.js';
import { registerCall, type Call } from './calls.js';
import type { ManagerClient, Outcome } from './manager-client.js';
import type { Outbox } from './outbox.js';

export interface CourierParts {
  node: string;
  hostname: string | null;
  manager: ManagerClient;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  /** Keeps a call that can never be taken. */
  setAside: (refused: { call: Call; status: number; sentence: string }) => void;
  /** A number from 0 to 1, by chance. */
  chance: () => number;
}

/** How a round of deliveries ended: all is told, or the manager is to be tried again after so long. */
export type Delivered = { kind: 'all' } | { kind: 'held'; waitMs: number; sentence: string };

const STOPPED: Delivered = { kind: 'held', waitMs: 0, sentence: 'the agent stops' };

/**
 * Carries what waits to the manager: one call after another and in order, the registration of this life first, then what the
 * outbox holds, the snapshot that is due, and the heartbeat.
 */
export class Courier {
  /** Snapshots wished for so far (the first by the start), and how many of these wishes the last one sent has met. */
  private wishCount = 1;
  private metCount = 0;
  private isRegistered = false;
  private snapshot: Call | null = null;
  private failureCount = 0;
  private lastSentence: string | null = null;
  private running: Promise<Delivered> | null = null;
  private isStopped = false;

  constructor(
    private readonly parts: CourierParts,
    /** Called when the manager asks for a look at once. */
    private readonly onForceSync: () => void,
  ) {}

  /** True while a full snapshot is to be sent: after the start, when the manager asks, and after an outage. */
  get isSnapshotDue(): boolean {
    return this.metCount < this.wishCount;
  }

  wishSnapshot(): void {
    this.wishCount += 1;
  }

  /** The newest look as a snapshot; null where it must not be told any more. */
  setSnapshot(call: Call | null): void {
    this.snapshot = call;
  }

  /** Delivers until nothing waits or the manager does not take it; a second call meanwhile joins the first. */
  deliver(): Promise<Delivered> {
    this.running ??= this.drain().finally(() => (this.running = null));
    return this.running;
  }

  /** Nothing more is sent after the call under way. */
  stop(): void {
    this.isStopped = true;
  }

  private async drain(): Promise<Delivered> {
    for (;;) {
      const next = this.nextCall();
      if (next === null) return { kind: 'all' };
      if (this.isStopped) return STOPPED;
      const outcome = await this.parts.manager.send(next.call);
      if (this.isStopped && outcome.kind === 'held') return STOPPED;
      if (outcome.kind === 'held') return this.held(next.call, outcome);
      this.recovered();
      if (outcome.kind === 'refused') this.parts.setAside({ call: next.call, ...outcome });
      next.done();
      if (outcome.kind === 'taken' && outcome.answer['force_sync'] === true) {
        this.wishSnapshot();
        // It is answered by a look that ends after the request, never by what was seen before.
        this.snapshot = null;
        this.onForceSync();
      }
    }
  }

  private nextCall(): { call: Call; done: () => void } | null {
    const { outbox, node, hostname } = this.parts;
    if (!this.isRegistered) return { call: registerCall(node, hostname), done: () => (this.isRegistered = true) };
    const head = outbox.head();
    const { snapshot } = this;
    // All that changed before it goes before it; a heartbeat waits for it.
    if (this.isSnapshotDue && snapshot !== null && outbox.waitingCount === 0) {
      const { wishCount } = this;
      return { call: snapshot, done: () => (this.metCount = wishCount) };
    }
    return head === null ? null : { call: head.call, done: () => outbox.settle(head) };
  }

  private held(call: Call, { sentence, status, retryAfterMs }: Extract<Outcome, { kind: 'held' }>): Delivered {
    const { log, outbox, chance } = this.parts;
    this.failureCount += 1;
    // Its answer may have been a force-sync that nobody heard.
    if (call.name === 'heartbeat') this.wishSnapshot();
    // One line for each cause, not one for each try.
    if (sentence !== this.lastSentence) log.warn(`not delivered: ${sentence}`, { waiting: outbox.waitingCount });
    this.lastSentence = sentence;
    const waitMs = Math.max(backoffMs(this.failureCount, chance()), retryAfterMs ?? 0);
    log.debug('the manager is tried again', { status, wait_ms: waitMs });
    return { kind: 'held', waitMs, sentence };
  }

  private recovered(): void {
    if (this.failureCount > 0)
      this.parts.log.info('the manager takes reports again', { waiting: this.parts.outbox.waitingCount });
    this.failureCount = 0;
    this.lastSentence = null;
  }
}
