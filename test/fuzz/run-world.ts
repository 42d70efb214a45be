import type { NodeObservation } from '../../src/core/observation.js';
import { isClean, type AuditReport, type LedgerSession } from '../../src/simulator/auditor.js';
import { randomScenario, type RandomOptions } from '../../src/simulator/random-scenario.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { compileWorld, type World } from '../../src/simulator/world.js';
import { guestKey } from '../../src/core/guest.js';
import { auditPauses, type LedgerPause, type PauseReport } from '../../src/simulator/audit-pauses.js';
import type { Session } from '../../src/core/session.js';
import { auditWithinReach, isPauseKnowable, type Excused, type Sight } from './reach.js';
import { watch, type VirtualManager } from './virtual-manager.js';

const DAY_MS = 86_400_000;
const SETTLE_MS = 20 * 60_000;

export interface WorldRun {
  scenario: Scenario;
  world: World;
  managers: VirtualManager[];
  report: AuditReport;
  excused: Excused;
  pauses: PauseReport;
  untilAt: number;
}

/** How a world is watched. */
export interface WatchOptions {
  days: number;
  intervalMs?: number;
  tripMs?: number;
  /** From the world's beginning to the first poll; what lies before is read back from the log. */
  firstPollMs?: number;
  down?: (scenario: Scenario) => { from: number; to: number }[];
  onPoll?: (cluster: string, observation: NodeObservation) => void;
  asksRrd?: boolean;
}

export type WorldOptions = RandomOptions & WatchOptions;

/** Watches a random world to its end and has the auditor judge the ledger. */
export async function runWorld(seed: number, options: WorldOptions): Promise<WorldRun> {
  return runScenario(randomScenario(seed, options), options);
}

/** Watches any world to its end, `days` and some minutes after its beginning, and has the auditor judge the ledger. */
export async function runScenario(scenario: Scenario, options: WatchOptions): Promise<WorldRun> {
  const world = compileWorld(scenario);
  // Events and faults end with the days; some polls more, and all that can be known is known.
  const lastFaultAt = Math.max(scenario.beganAt, ...scenario.faults.map(({ to }) => to));
  // A node that is still down tells nothing of what ended with it.
  const lastDownAt = Math.max(
    lastFaultAt,
    ...scenario.events.map((one) => one.at + ('downMs' in one ? one.downMs : 0)),
  );
  const untilAt = Math.max(scenario.beganAt + options.days * DAY_MS, lastDownAt) + SETTLE_MS;
  const firstPollAt = scenario.beganAt + (options.firstPollMs ?? 60_000);
  const intervalMs = options.intervalMs ?? 30_000;
  const down = options.down?.(scenario) ?? [];
  const managers = await watch(world, {
    from: firstPollAt,
    until: untilAt,
    intervalMs,
    tripMs: options.tripMs ?? 5,
    down,
    ...(options.asksRrd === undefined ? {} : { asksRrd: options.asksRrd }),
    ...(options.onPoll === undefined ? {} : { onPoll: options.onPoll }),
  });
  const truths = world.truth(untilAt);
  const ledger = ledgerOf(managers);
  const sight = sightOf(managers);
  const { report, excused } = auditWithinReach(truths, ledger, sight, untilAt);
  const pauses = auditPauses(truths, ledger, untilAt, (session, pause) => isPauseKnowable(session, pause, sight));
  return { scenario, world, managers, report, excused, pauses, untilAt };
}

/** What the managers could know of. */
export function sightOf(managers: readonly VirtualManager[]): Sight {
  return {
    looks: managers.flatMap((manager) => manager.looks),
    holes: managers.flatMap((manager) => manager.holes),
    tellings: managers.flatMap(({ cluster, tellings }) => tellings.map((at) => ({ cluster, at }))),
    tasksOf: ({ cluster, type, vmid }) =>
      managers.find((manager) => manager.cluster === cluster)?.state.guests.get(guestKey(type, vmid))?.tasks ?? [],
  };
}

/** The managers' sessions as the auditor wants them. */
export function ledgerOf(managers: readonly VirtualManager[]): LedgerSession[] {
  return managers.flatMap((manager) =>
    [...manager.sessions()].flatMap(([key, sessions]) => {
      const [type, vmid] = key.split('/');
      return sessions.map(({ start, end, pauses }): LedgerSession => ({
        cluster: manager.cluster,
        type: type === 'lxc' ? 'lxc' : 'qemu',
        vmid: Number(vmid),
        ...ledgerEdges(start, end),
        pauses: pauses.map(ledgerPause),
      }));
    }),
  );
}

function ledgerPause({ kind, start, end }: Session['pauses'][number]): LedgerPause {
  return {
    kind,
    ...ledgerEdges(start, end),
  };
}

interface StatedEdge<Earliest> {
  at: number;
  earliest: Earliest;
  latest: number;
  evidence: string;
}

function ledgerEdges<Earliest>(start: StatedEdge<Earliest>, end: StatedEdge<number | null> | null) {
  return {
    startAt: start.at,
    startEarliest: start.earliest,
    startLatest: start.latest,
    startEvidence: start.evidence,
    endAt: end?.at ?? null,
    endEarliest: end?.earliest ?? null,
    endLatest: end?.latest ?? null,
    endEvidence: end?.evidence ?? null,
  };
}

/** What went wrong, in lines that a person can read; empty when nothing did. */
export function complaints({ report, pauses }: WorldRun): string[] {
  if (isClean(report)) return pauseComplaints(pauses);
  const time = (at: number | null): string => (at === null ? 'open' : new Date(at).toISOString());
  const edge = (at: number | null, earliest: number | null, latest: number | null): string =>
    `${time(at)} [${time(earliest)} .. ${time(latest)}]`;
  const ledger = (one: LedgerSession): string =>
    `${one.type} ${one.vmid} ${edge(one.startAt, one.startEarliest, one.startLatest)} ${one.startEvidence} - ` +
    `${edge(one.endAt, one.endEarliest, one.endLatest)} ${String(one.endEvidence)}`;
  const truth = (one: AuditReport['missing'][number]): string =>
    `${one.type} ${one.vmid} truly ${time(one.startedAt)} - ${time(one.endedAt)} ${String(one.endedHow)}`;
  return [
    ...report.missing.map((one) => `missing: ${truth(one)}`),
    ...report.extra.map((one) => `extra: ${ledger(one)}`),
    ...report.merged.map((one) => `merged: ${ledger(one.ledger)} = ${one.truths.map(truth).join(' + ')}`),
    ...report.split.map((one) => `split: ${truth(one.truth)} = ${one.ledgers.map(ledger).join(' + ')}`),
    ...report.outOfBounds.map((one) => `out of bounds (${one.edge}): ${truth(one.truth)} = ${ledger(one.ledger)}`),
    ...pauseComplaints(pauses),
  ];
}

function pauseComplaints({ missing, extra, wrong }: PauseReport): string[] {
  const time = (at: number | null): string => (at === null ? 'open' : new Date(at).toISOString());
  const ledger = (one: LedgerPause): string =>
    `${one.kind} [${time(one.startEarliest)} .. ${time(one.startLatest)}] ${one.startEvidence} - ` +
    `[${time(one.endEarliest)} .. ${time(one.endLatest)}] ${String(one.endEvidence)}`;
  const truth = ({ session, truth: of }: PauseReport['missing'][number]): string =>
    `${session.vmid} truly ${of.kind} ${time(of.from)} - ${time(of.to)}`;
  return [
    ...missing.map((one) => `missing pause: ${truth(one)}`),
    ...extra.map((one) => `extra pause: ${one.session.vmid} ${ledger(one.ledger)}`),
    ...wrong.map((one) => `wrong pause: ${truth(one)} = ${ledger(one.ledger)}`),
  ];
}
