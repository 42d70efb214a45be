import type { NodeObservation } from '../src/core/observation.js';
import { audit, type AuditReport, type LedgerSession } from '../src/simulator/auditor.js';
import { seededRandom } from '../src/simulator/random.js';
import { randomScenario } from '../src/simulator/random-scenario.js';
import { clusterKey, type Scenario } from '../src/simulator/scenario.js';
import type { TrueSession } from '../src/simulator/truth.js';
import { compileWorld, type World } from '../src/simulator/world.js';
import { downBlocks } from '../test/fuzz/families.js';
import { auditWithinReach } from '../test/fuzz/reach.js';
import { readJournal } from '../test/fuzz/read-journal.js';
import { ledgerOf, sightOf } from '../test/fuzz/run-world.js';
import { VirtualManager, watch, type Look } from '../test/fuzz/virtual-manager.js';
import { MovedClock } from '../test/fuzz/world-api.js';
import type { AccuracyOptions } from './accuracy-options.js';
import { meteredTime, type MeteredTime } from './metered-time.js';
import { PlainPoller } from './plain-poller.js';

const DAY_MS = 86_400_000;
const FIRST_POLL_MS = 60_000;
const SETTLE_MS = 20 * 60_000;
const INTERVAL_MS = 30_000;
const TRIP_MS = 5;
/** Of the ends without a task that the generator throws, the share that stays so: one end in five is left. */
const UNLOGGED_KEPT = 0.6;
const UNLOGGED: ReadonlySet<string | null> = new Set(['poweroff', 'crash', 'guest_reboot', 'host']);

/** What one meter made of all worlds of a mix. */
export interface Meter {
  time: MeteredTime;
  report: AuditReport;
}

/** A mix of worlds, measured by three meters that looked at the same instants. */
export interface MixRun {
  ledger: Meter;
  /** The ledger that may read the nodes' journals too. */
  journal: Meter;
  poller: Meter;
  unloggedShare: number;
  /** How old each true run was when a list first showed it, in ms; those never seen are left out. */
  firstSeenMs: Map<TrueSession, number>;
  /** The first poll of each true run's world. */
  firstPollAt: Map<TrueSession, number>;
}

/** Which share of the tasks is noticed late, and whether the meters are down for a tenth of the time. */
export interface Mix {
  lateShare: number;
  isDown: boolean;
}

/** Watches every world of the mix; the same options give the same figures. */
export async function runMix(options: AccuracyOptions, mix: Mix): Promise<MixRun> {
  const run: MixRun = {
    ledger: emptyMeter(),
    journal: emptyMeter(),
    poller: emptyMeter(),
    unloggedShare: 0,
    firstSeenMs: new Map(),
    firstPollAt: new Map(),
  };
  let [endCount, unloggedCount] = [0, 0];
  for (let index = 0; index < options.worlds; index += 1) {
    const truths = await runWorld(run, worldOf(options, index, mix.lateShare), options.days, mix.isDown);
    const ends = truths.filter(({ endedAt }) => endedAt !== null);
    endCount += ends.length;
    unloggedCount += ends.filter(({ endedHow }) => UNLOGGED.has(endedHow)).length;
  }
  return { ...run, unloggedShare: unloggedCount / endCount };
}

/** A world of the mix, three nodes with six guests in all; some of its sudden ends become orderly ones. Its token may read journals. */
function worldOf(options: AccuracyOptions, index: number, lateShare: number): Scenario {
  const scenario = randomScenario(options.seed * 1000 + index, { days: options.days, nodes: 3, guests: 6, lateShare });
  const random = seededRandom(options.seed * 77 + index);
  const events = scenario.events.map((event) =>
    (event.kind === 'poweroff' || event.kind === 'crash') && !random.chance(UNLOGGED_KEPT)
      ? { ...event, kind: 'shutdown' as const, takesMs: random.between(1500, 20_000) }
      : event,
  );
  for (const { tokens } of scenario.clusters)
    for (const { privileges } of tokens) for (const grant of privileges) grant.privileges.push('Sys.Syslog');
  return { ...scenario, events };
}

async function runWorld(run: MixRun, scenario: Scenario, days: number, isDown: boolean): Promise<TrueSession[]> {
  const world = compileWorld(scenario);
  const from = scenario.beganAt + FIRST_POLL_MS;
  const to = scenario.beganAt + days * DAY_MS + SETTLE_MS;
  const poller = new PlainPoller();
  const journal = new JournalReaders(world);
  const managers = await watch(world, {
    from,
    until: to,
    intervalMs: INTERVAL_MS,
    tripMs: TRIP_MS,
    down: isDown ? downBlocks(scenario, days, 0.1) : [],
    onPoll: async (cluster, observation) => {
      poller.take(cluster, observation);
      await journal.take(cluster, observation);
    },
  });
  const all = world.truth(to);
  const truths = all.filter((truth) => (truth.endedAt ?? to) > from);
  const add = (meter: Meter, sessions: LedgerSession[], report: AuditReport): void => {
    const { wrongMs, trueMs, errors } = meteredTime(truths, sessions, from, to);
    meter.time.wrongMs += wrongMs;
    meter.time.trueMs += trueMs;
    meter.time.errors.push(...errors);
    for (const key of Object.keys(report) as (keyof AuditReport)[]) meter.report[key].push(...(report[key] as never[]));
  };
  for (const [meter, ofMeter] of [
    [run.ledger, managers],
    [run.journal, journal.managers],
  ] as const) {
    const sessions = ledgerOf(ofMeter);
    add(meter, sessions, auditWithinReach(all, sessions, sightOf(ofMeter), to).report);
  }
  add(run.poller, poller.sessions, audit(truths, poller.sessions, to));
  noteFirstLooks(run, truths, managers, from);
  return truths;
}

function noteFirstLooks(run: MixRun, truths: readonly TrueSession[], managers: VirtualManager[], from: number): void {
  const byList = new Map<string, Look[]>();
  for (const look of managers.flatMap(({ looks }) => looks)) {
    const key = `${look.node} ${look.type}`;
    const list = byList.get(key);
    if (list === undefined) byList.set(key, [look]);
    else list.push(look);
  }
  for (const truth of truths) {
    run.firstPollAt.set(truth, from);
    const seenAts = truth.segments.flatMap(({ node, startedAt, endedAt }) => {
      const looks = byList.get(`${node} ${truth.type}`) ?? [];
      const look = looks.find(({ sentAt }) => sentAt >= startedAt);
      return look === undefined || look.receivedAt > (endedAt ?? look.receivedAt) ? [] : [look.sentAt];
    });
    if (seenAts.length > 0) run.firstSeenMs.set(truth, Math.min(...seenAts) - truth.startedAt);
  }
}

/** Managers that are handed the polls of others, and may read the journal after each. */
class JournalReaders {
  readonly managers: VirtualManager[];
  private readonly clock = new MovedClock(0);
  private readonly asked = new Map<VirtualManager, Set<string>>();

  constructor(world: World) {
    this.managers = world.scenario.clusters.map(
      (one) => new VirtualManager(world, clusterKey(one), this.clock, INTERVAL_MS, TRIP_MS),
    );
    for (const manager of this.managers) this.asked.set(manager, new Set());
  }

  async take(cluster: string, observation: NodeObservation): Promise<void> {
    const manager = this.managers.find((one) => one.cluster === cluster);
    const node = manager?.nodes.find(({ name }) => name === observation.node);
    if (manager === undefined || node === undefined) throw new Error(`no node ${observation.node} in ${cluster}`);
    this.clock.at = observation.finishedAt;
    manager.take(node, observation);
    await readJournal(manager, node, {
      observation,
      clock: this.clock,
      asked: this.asked.get(manager) ?? new Set(),
    });
  }
}

function emptyMeter(): Meter {
  return {
    time: { wrongMs: 0, trueMs: 0, errors: [] },
    report: { missing: [], extra: [], merged: [], split: [], outOfBounds: [], boundaryErrors: [] },
  };
}
