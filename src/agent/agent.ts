import { randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { ClientConfig } from '../config/client.js';
import type { Log } from '../log.js';
import { edgeCall, heartbeatCall, statesCall, vouchedAt } from './calls.js';
import { compare, type Comparison, type Sight } from './changes.js';
import { Courier, type Delivered } from './courier.js';
import { takeLock } from './lock.js';
import { Lookout } from './lookout.js';
import { createManagerClient, type ManagerClient } from './manager-client.js';
import { Outbox } from './outbox.js';
import { setAside } from './refused-file.js';
import { realDisk, type Disk } from './whole-file.js';

export interface AgentParts {
  clock: Clock;
  log: Log;
  /** Called when the manager asks for a look at once. */
  onForceSync?: () => void;
  /** The process's own by default. */
  disk?: Disk;
}

/** What a look came to. */
export interface LookReport {
  /** Null where the node was seen, else why not. */
  fault: string | null;
  guestCount: number;
  /** Starts and stops that were noted to be told. */
  changeCount: number;
}

/** The push agent: it looks at its node, notes what changed, and delivers it. When it does so is its caller's. */
export class Agent {
  private readonly lookout: Lookout;
  private readonly manager: ManagerClient;
  private readonly courier: Courier;
  private lastFault: string | null = null;

  private constructor(
    private readonly config: ClientConfig,
    private readonly parts: Required<AgentParts>,
    private readonly outbox: Outbox,
    private readonly giveLockBack: () => void,
  ) {
    const { clock, log, disk } = parts;
    this.lookout = new Lookout(config, { clock, log });
    this.manager = createManagerClient(config.manager, { clock, log });
    const path = `${config.outbox.file}.refused`;
    this.courier = new Courier(
      {
        node: config.node.name,
        hostname: config.hostname,
        manager: this.manager,
        outbox,
        clock,
        log,
        setAside: (refused) => setAside(refused, { path, disk, clock, log }),
        chance: () => randomInt(1_000) / 1_000,
      },
      parts.onForceSync,
    );
  }

  /** Opens state and outbox as the last life left them; throws where another agent has them, or where they cannot be written. */
  static open(config: ClientConfig, given: AgentParts): Agent {
    const parts = { disk: realDisk, onForceSync: () => {}, ...given };
    const { stateFile, outbox } = config;
    const giveLockBack = takeLock(`${outbox.file}.lock`);
    try {
      const plan = { node: config.node.name, stateFile, ...outbox };
      return new Agent(config, parts, Outbox.open(plan, parts.disk, parts.log), giveLockBack);
    } catch (error) {
      giveLockBack();
      throw error;
    }
  }

  get waitingCount(): number {
    return this.outbox.waitingCount;
  }

  /** Looks at the node once and notes what changed. What was not seen is no change: nothing is noted, and nothing vouched for. */
  async look(): Promise<LookReport> {
    this.outbox.save();
    const looked = await this.lookout.look();
    if (looked.kind === 'not_seen') return this.notSeen(looked.sentence);
    const { sight } = looked;
    const comparison = compare(this.outbox.known, sight);
    const gone = comparison.edges.filter(({ isAbsence }) => isAbsence).map(({ guest }) => guest.vmid);
    // Without VM.Audit the lists are merely shorter; empty ones would say of all guests that the manager knows that they are gone.
    if (gone.length > 0 || sight.rows.length === 0) {
      const fault = await this.lookout.permissionFault(gone);
      if (fault !== null) return this.notSeen(`guests are missing from the lists, and ${fault}`);
    }
    if (this.lastFault !== null) this.parts.log.info('the node is seen again');
    this.lastFault = null;
    return { fault: null, guestCount: sight.rows.length, changeCount: this.noteAll(sight, comparison) };
  }

  /** Delivers what waits, until all is told or the manager does not take it. */
  deliver(): Promise<Delivered> {
    return this.courier.deliver();
  }

  /** Ends a delivery under way at once: the call that it waits for is told again by the next life. */
  stopDelivering(): void {
    this.courier.stop();
    this.manager.cutShort();
  }

  /** Keeps on disk what was not delivered. */
  close(): void {
    this.outbox.close();
    this.lookout.close();
    this.manager.close();
    this.giveLockBack();
  }

  private noteAll(sight: Sight, { edges, seen, forgotten, isSure, isWhole, isNews }: Comparison): number {
    const { outbox, courier, parts } = this;
    const { name: node } = this.config.node;
    const changes = edges.map((edge) => ({ call: edgeCall(node, edge, randomUUID()), guest: edge.guest }));
    const count = changes.length === 0 ? 0 : outbox.note(changes);
    for (const guest of seen) outbox.look(guest);
    for (const guest of forgotten) outbox.forget(guest);
    if (isNews) courier.wishSnapshot();
    // What was not noted is not told: until it is, nothing vouches for what was.
    const at = count === changes.length ? vouchedAt(sight) : null;
    const stamp = at === null || !isWhole ? null : { at, eventId: randomUUID() };
    courier.setSnapshot(stamp === null ? null : statesCall(node, sight, outbox.known, stamp));
    // The one before is as true as it was, and bounds what comes next.
    if (at !== null && isSure) outbox.setHeartbeat(heartbeatCall(node, at));
    for (const { kind, guest } of edges.slice(0, count))
      parts.log.info(kind === 'start' ? 'a guest started' : 'a guest stopped', { vmid: guest.vmid, name: guest.name });
    return count;
  }

  private notSeen(sentence: string): LookReport {
    if (sentence !== this.lastFault) this.parts.log.warn(`the node is not seen: ${sentence}`);
    this.lastFault = sentence;
    this.courier.setSnapshot(null);
    return { fault: sentence, guestCount: 0, changeCount: 0 };
  }
}
