import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type AgentParts } from '../../src/agent/agent.js';
import { parseClientConfig, type ClientConfig } from '../../src/config/client.js';
import { rowsOf, type Database } from '../../src/ledger/database.js';
import { silentLog, type Log } from '../../src/log.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import type { ScenarioEvent } from '../../src/simulator/scenario.js';
import { HOUR, keyOf, NOW, startLab, type Lab } from '../web/api/lab.js';
import { gateBefore, type Gate } from './gate.js';

export const NODE = 'push-01';
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** A guest's event less its instant. */
export type Happening = ScenarioEvent extends infer E ? (E extends ScenarioEvent ? Omit<E, 'at'> : never) : never;

/** A manager's web on a database, a simulated node that it does not poll, and an agent between them, on one clock. */
export interface AgentLab {
  manager: Lab;
  simulator: Simulator;
  gate: Gate;
  folder: string;
  lines: string[];
  configText(changes?: Record<string, string>): string;
  config(changes?: Record<string, string>): ClientConfig;
  agent(parts?: Partial<AgentParts>): Agent;
  /** Moves the clock of all. */
  pass(ms: number): void;
  /** Something happens on the node now. */
  happen(event: Happening): void;
  sessions(query?: string): Promise<Record<string, unknown>[]>;
  /** The events that the manager took, in order of arrival. */
  events(): Promise<{ kind: string; event_id: string | null; stamp_at: number | null; body: string }[]>;
  close(): Promise<void>;
}

/** Starts all three; the way to the manager is open. */
export async function startAgentLab(db: Database): Promise<AgentLab> {
  const manager = await startLab(db);
  const key = await keyOf(db, 'ingest');
  const simulator = await startSimulator(labScenario(NOW - HOUR), { clock: manager.clock });
  const gate = await gateBefore(manager.url);
  await gate.open();
  const folder = mkdtempSync(join(tmpdir(), 'tracker-agent-'));
  const [at] = simulator.nodes;
  if (at === undefined) throw new Error('the scenario has no node');
  const { user, tokenName, value } = simulator.token;
  const lines: string[] = [];
  const note = (line: string): void => void lines.push(line);
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const configText: AgentLab['configText'] = (changes = {}) => {
    const keys: Record<string, string> = {
      node: `{ name: ${NODE}, hostname: push-01.example }`,
      proxmox: `{ host: 127.0.0.1, port: ${at.port}, user: ${user}, token_name: ${tokenName}, token_value: ${value}, fingerprint: "${at.fingerprint}" }`,
      manager: `{ url: "${gate.url}", api_key: ${key}, timeout: 5 }`,
      polling: '{ interval_seconds: 30 }',
      state_file: 'state.json',
      ...changes,
    };
    return Object.entries(keys)
      .map(([name, text]) => `${name}: ${text}`)
      .join('\n');
  };
  const config: AgentLab['config'] = (changes) =>
    parseClientConfig(configText(changes), { file: join(folder, 'client_config.yaml'), env: {} });
  return {
    manager,
    simulator,
    gate,
    folder,
    lines,
    configText,
    config,
    agent: (parts = {}) => Agent.open(config(), { clock: manager.clock, log, ...parts }),
    pass: (ms) => void (manager.clock.at += ms),
    happen: (event) => void simulator.act({ ...event, at: manager.clock.at }),
    sessions: async (query = '') =>
      (
        (await manager.get(`/api/sessions?node=${NODE}&per_page=100${query}`)).json['sessions'] as Record<
          string,
          unknown
        >[]
      ).reverse(),
    events: async () =>
      rowsOf(
        await db
          .reader('agent_events')
          .whereNot('kind', 'heartbeat')
          .orderBy('id')
          .select('kind', 'event_id', 'stamp_at', 'body'),
      ) as Awaited<ReturnType<AgentLab['events']>>,
    close: async () => {
      await gate.close();
      await simulator.close();
      await manager.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
