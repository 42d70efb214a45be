import cron, { type ScheduledTask } from 'node-cron';
import { noMeter, type Meter } from '../core/meter.js';
import type { Log } from '../log.js';
import type { Collector } from './collect.js';
import type { Member } from './member.js';

/** The golden ratio's fraction: its multiples modulo 1 fill the second evenly, whatever the count. */
const GOLDEN = 0.618_033_988_749_895;

/** The cron expression of an interval: a divisor of 60 s, or whole minutes that divide an hour. */
export function cronOf(intervalSeconds: number): string {
  return intervalSeconds < 60 ? `*/${intervalSeconds} * * * * *` : `0 */${intervalSeconds / 60} * * * *`;
}

/**
 * How long after the tick the k-th of n nodes is polled the `pollCount`-th time: spread over nine tenths of the interval by
 * whole seconds, then dithered below the second, without which floored uptimes would never narrow (ledger rule 3).
 */
export function delayMs(k: number, n: number, pollCount: number, intervalMs: number): number {
  const spreadMs = Math.floor((0.9 * intervalMs * k) / Math.max(1, n) / 1000) * 1000;
  const ditherMs = Math.floor(((pollCount * GOLDEN) % 1) * 1000);
  return spreadMs + ditherMs;
}

/** What is done once a day, at a quiet and odd minute of the machine's own night. */
const DAILY = '17 3 * * *';

/** Polls every node once an interval, from node-cron's ticks; a node whose poll is still under way is skipped and counted. */
export class Schedule {
  private readonly tasks: ScheduledTask[] = [];
  /** The daily work that is under way. */
  private daily: Promise<void> | null = null;
  /** What ticks began beside the polls. */
  private readonly rounds = new Set<Promise<void>>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly collector: Collector,
    private readonly intervalSeconds: number,
    private readonly log: Log,
    private readonly everyDay: () => Promise<void> = () => Promise.resolve(),
    /** Called at the start, when a poll has ended, and at a tick that finds none to begin. */
    private readonly beat: () => void = () => {},
    private readonly meter: Meter = noMeter,
  ) {}

  start(): void {
    this.beat();
    this.tasks.push(cron.schedule(cronOf(this.intervalSeconds), () => this.tick()));
    this.tasks.push(cron.schedule(DAILY, () => this.day()));
  }

  private day(): void {
    if (this.daily !== null) return;
    this.daily = this.everyDay()
      .catch((error: unknown) =>
        this.log.error('the daily work failed; it is tried again tomorrow', {
          error: error instanceof Error ? error.message : String(error),
        }),
      )
      .finally(() => (this.daily = null));
  }

  /** Stops the ticks and waits for polls under way. */
  async stop(): Promise<void> {
    for (const task of this.tasks.splice(0)) await task.destroy();
    await this.daily;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    for (const member of this.collector.roster.members.values()) await member.polling?.catch(() => undefined);
    await Promise.all(this.rounds);
  }

  private tick(): void {
    const failed = (error: unknown): void =>
      this.log.error('a round of polls could not begin', {
        error: error instanceof Error ? error.message : String(error),
      });
    // Beside the polls: an entry that does not answer must not delay the nodes of the others.
    const rounds = [this.collector.discover(), this.collector.pollClusters()].map((round) => round.catch(failed));
    for (const round of rounds) {
      this.rounds.add(round);
      void round.finally(() => this.rounds.delete(round));
    }
    const members = [...this.collector.roster.members.values()];
    if (members.length === 0) this.beat();
    members.forEach((member, k) => this.pollLater(member, k, members.length));
  }

  private pollLater(member: Member, k: number, n: number): void {
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        if (member.polling !== null) {
          this.meter.pollSkipped(member.name);
          this.log.warn('a due poll is skipped: the one before is still under way', { node: member.name });
          return;
        }
        void this.collector.poll(member).then(({ report }) => {
          this.beat();
          for (const change of report.changes) this.log.info(change, { node: member.name });
          if (report.error !== null) this.log.warn(report.error, { node: member.name });
        });
      },
      delayMs(k, n, member.pollCount, this.intervalSeconds * 1000),
    );
    this.timers.add(timer);
  }
}
