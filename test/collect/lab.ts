import { request } from 'node:https';
import type { Clock } from '../../src/clock.js';
import { Collector } from '../../src/collect/collect.js';
import { parseConfig } from '../../src/config/load.js';
import type { Config, NodeConfig } from '../../src/config/config.js';
import type { PollReport } from '../../src/core/poll-report.js';
import { rowsOf, type Database } from '../../src/ledger/database.js';
import { listGaps } from '../../src/ledger/queries/gaps.js';
import { nodeByName } from '../../src/ledger/queries/nodes.js';
import type { GapView, NodeView, SessionView } from '../../src/ledger/queries/read-model.js';
import { listSessions, type SessionFilter } from '../../src/ledger/queries/sessions.js';
import { silentLog, type Log } from '../../src/log.js';
import type { Scenario, ScenarioFault } from '../../src/simulator/scenario.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { entryParts, testKeyFile } from '../support/entry-parts.js';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const BEGAN_AT = Date.UTC(2026, 9, 5, 12);

/** A clock that simulator and manager share, and that a test moves. */
export class MovedClock implements Clock {
  at = BEGAN_AT + HOUR + 400;

  now(): number {
    return this.at;
  }

  monotonicMs(): number {
    return this.at;
  }
}

export interface LabOptions {
  scenario?: Scenario;
  /** The entries of `nodes:` by their names in the scenario, changed as the test likes; null leaves one out. */
  entry?: (entry: NodeConfig) => NodeConfig | null;
  timeoutSeconds?: number;
  intervalSeconds?: number;
}

/** A simulated Proxmox over real TLS and the configuration of a manager that polls it, on one clock. */
export interface Lab {
  clock: MovedClock;
  simulator: Simulator;
  config: Config;
  /** A manager of its own on this database, as after a restart; closed with the lab. */
  manager(db: Database, log?: Log): Collector;
  /** Moves the clock, and with it the world. */
  move(ms: number): void;
  /** Starts or stops a guest by hand through the API of its node. */
  power(node: string, guest: string, command: string): Promise<{ status: number; upid: string }>;
  /** Lets something go wrong from now on, for that long. */
  fault(fault: ScenarioFault['fault'], lasts: number, where?: Pick<ScenarioFault, 'node' | 'path'>): void;
  close(): Promise<void>;
}

/** Starts the simulator with the lab's four nodes, or another scenario. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const clock = new MovedClock();
  const scenario = options.scenario ?? labScenario(BEGAN_AT);
  const simulator = await startSimulator(scenario, { clock });
  const collectors: Collector[] = [];
  const config = labConfig(simulator, options);
  return {
    clock,
    simulator,
    config,
    manager: (db, log = silentLog) => {
      const collector = new Collector({ config, db, clock, log, ...entryParts() });
      collectors.push(collector);
      return collector;
    },
    move: (ms) => void (clock.at += ms),
    power: (node, guest, command) => post(simulator, node, `/nodes/${node}/${guest}/status/${command}`),
    fault: (fault, lasts, where = {}) => {
      simulator.world.scenario.faults.push({ ...where, from: clock.at, to: clock.at + lasts, fault });
    },
    close: async () => {
      for (const collector of collectors) collector.roster.close();
      await simulator.close();
    },
  };
}

/** The configuration of a manager of these nodes, in memory only; its database is the caller's. */
export function labConfig(simulator: Simulator, options: LabOptions = {}): Config {
  const { timeoutSeconds = 10, intervalSeconds = 30 } = options;
  const text = [
    `polling: { interval_seconds: ${intervalSeconds}, timeout_seconds: ${timeoutSeconds} }`,
    'server: { host: 127.0.0.1, port: 0 }',
    'logging: { level: error }',
    `security: { secret_key_file: ${testKeyFile()} }`,
    simulator.configYaml(),
  ].join('\n');
  const config = parseConfig(text, { file: 'config.yaml', env: {} });
  const change = options.entry ?? ((entry: NodeConfig) => entry);
  return { ...config, nodes: config.nodes.map(change).filter((entry) => entry !== null) };
}

function post(simulator: Simulator, node: string, path: string): Promise<{ status: number; upid: string }> {
  const { user, tokenName, value } = simulator.token;
  const { host, port } = simulator.nodes.find(({ name }) => name === node) ?? { host: '', port: 0 };
  const headers = { authorization: `PVEAPIToken=${user}!${tokenName}=${value}` };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host, port, path: `/api2/json${path}`, method: 'POST', headers, agent: false, rejectUnauthorized: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as { data: string | null };
          resolve({ status: response.statusCode ?? 0, upid: body.data ?? '' });
        });
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

/** The sessions of one guest or of all, oldest first. */
export async function sessionsOf(db: Database, filter: SessionFilter = {}): Promise<SessionView[]> {
  const { items } = await listSessions(db.reader, { ...filter, page: 1, perPage: 100 });
  return items.reverse();
}

/** All gaps, or those of a node, oldest first. */
export async function gapsOf(db: Database, node?: string): Promise<GapView[]> {
  const { items } = await listGaps(db.reader, { node, page: 1, perPage: 100 });
  return items.reverse();
}

/** The node of that wire name, which must be known. */
export async function nodeOf(db: Database, name: string): Promise<NodeView> {
  const node = await nodeByName(db.reader, name);
  if (node === null) throw new Error(`no node ${name}`);
  return node;
}

/** How many rows each table holds, and the clusters' revisions together. */
export async function rowCounts(db: Database): Promise<Record<string, number>> {
  const named =
    db.kind === 'sqlite'
      ? await db.reader.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      : await db.reader.raw('SHOW TABLES');
  const counts: Record<string, number> = {};
  for (const row of rowsOf(named)) {
    const table = String(Object.values(row)[0]);
    const [counted] = (await db.reader(table).count('* as count')) as { count: number | string }[];
    counts[table] = Number(counted?.count);
  }
  const [revisions] = (await db.reader('clusters').sum('revision as sum')) as { sum: number | string }[];
  return { ...counts, revisions: Number(revisions?.sum) };
}

/** What grew or shrank between two counts. */
export function grown(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const all = Object.keys({ ...before, ...after });
  const pairs = all.map((name): [string, number] => [name, (after[name] ?? 0) - (before[name] ?? 0)]);
  return Object.fromEntries(pairs.filter(([, difference]) => difference !== 0));
}

/** The names of the nodes that a round did not wholly see. */
export function unseen(report: PollReport): string[] {
  return report.nodes.filter(({ isSeen }) => !isSeen).map(({ node }) => node);
}
