import {
  ApiError,
  Page,
  type AnswerContext,
  type Certificates,
  type SimulatedAnswer,
  type SimulatedRequest,
} from './answer.js';
import { Engine } from './engine.js';
import { faultedAnswer, faultsInForce } from './faults.js';
import { happen } from './flows.js';
import type { Machine } from './machine.js';
import { tokenOf, type Caller } from './permissions.js';
import { powerEvent } from './power-request.js';
import { hashOf } from './random.js';
import { route } from './route.js';
import { clusterKey, withEvent, type Scenario, type ScenarioCluster, type ScenarioEvent } from './scenario.js';
import { truthOf, type TrueSession } from './truth.js';

/** A Proxmox world: a pure function of its scenario and the instant asked about, however often and in whatever order it is asked. */
export interface World {
  readonly scenario: Scenario;
  /** What the entry node answers to a request that it reads at `at` (true clock, epoch ms, not before the scenario began). */
  answer(request: SimulatedRequest, at: number): SimulatedAnswer;
  /** Adds an event, at `event.at` or just after what was asked already, and yields the UPID of its task; null when it has none. */
  act(event: ScenarioEvent): string | null;
  /** The sessions that truly were, as they stood at `untilAt`. */
  truth(untilAt: number): TrueSession[];
}

/** Builds a world; `certificates` tells what the TLS side shows, made up from names where there is none. */
export function compileWorld(scenario: Scenario, certificates: Certificates = namedCertificates): World {
  return new CompiledWorld(scenario, certificates);
}

class CompiledWorld implements World {
  private engine: Engine;

  constructor(
    public scenario: Scenario,
    private readonly certificates: Certificates,
  ) {
    this.engine = engineOf(scenario);
  }

  answer(request: SimulatedRequest, at: number): SimulatedAnswer {
    this.engine.advance(at);
    const entry = this.engine.machines.get(request.entryNode);
    if (entry === undefined) throw new Error(`no node "${request.entryNode}" in the scenario`);
    if (!entry.isUpAt(at)) return { fault: 'refused', delayMs: 0 };
    const path = request.path.replace(/^\/api2\/(json|extjs)/, '');
    const faults = faultsInForce(this.scenario, entry.name, path, at);
    const broken = faultedAnswer(faults, headersOf(entry, at));
    if (broken !== null && 'fault' in broken && broken.fault === 'hang') return broken;
    if (broken !== null && !('text' in broken)) return broken;
    const delayMs = faults.reduce(
      (longest, { fault }) => (fault.kind === 'slow' ? Math.max(longest, fault.delayMs) : longest),
      0,
    );
    const answer = this.settle(request, path, entry, faults, at, delayMs);
    if (broken === null || !('text' in broken) || !('body' in answer)) return answer;
    const text = broken.fault === 'cut' ? JSON.stringify(answer.body).slice(0, -20) : broken.text;
    return { ...broken, text };
  }

  act(event: ScenarioEvent): string | null {
    if (event.at < this.engine.now - 1) this.engine = engineOf(this.scenario);
    const placed = { ...event, at: Math.max(event.at, this.engine.now + 1) };
    this.scenario = withEvent(this.scenario, placed);
    let upid: string | null = null;
    this.engine.enter(placed.at, () => {
      upid = happen(this.engine, placed)?.upid ?? null;
    });
    this.engine.advance(placed.at);
    return upid;
  }

  truth(untilAt: number): TrueSession[] {
    this.engine.advance(untilAt);
    return truthOf(this.engine, untilAt);
  }

  private settle(
    request: SimulatedRequest,
    path: string,
    entry: Machine,
    faults: AnswerContext['faults'],
    at: number,
    delayMs: number,
  ): SimulatedAnswer {
    const headers = headersOf(entry, at);
    try {
      const token = tokenOf(clusterOf(this.scenario, entry.cluster), request.authorization);
      if (token === null)
        throw new ApiError(401, request.authorization === undefined ? 'No ticket' : 'invalid token value!');
      const lost = new Set(faults.flatMap(({ fault }) => (fault.kind === 'permission_lost' ? [fault.privilege] : [])));
      const caller: Caller = { token, lost };
      const { engine, certificates } = this;
      const context: AnswerContext = { engine, at, entry, caller, query: request.query, faults, certificates };
      const segments = path.split('/').filter((segment) => segment !== '');
      const data = request.method === 'POST' ? this.power(context, segments) : route(context, segments);
      const body =
        data instanceof Page ? { data: data.rows, ...(data.total === 0 ? {} : { total: data.total }) } : { data };
      return { status: 200, statusText: 'OK', headers, body, delayMs };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const body = error.errors === undefined ? { data: null } : { data: null, errors: error.errors };
      return { status: error.status, statusText: error.message, headers, body, delayMs };
    }
  }

  private power(context: AnswerContext, segments: readonly string[]): string | null {
    return this.act(powerEvent(context, segments));
  }
}

function engineOf(scenario: Scenario): Engine {
  const engine = new Engine(scenario);
  for (const event of scenario.events) engine.enter(event.at, () => happen(engine, event));
  return engine;
}

function clusterOf(scenario: Scenario, key: string): ScenarioCluster {
  const cluster = scenario.clusters.find((candidate) => clusterKey(candidate) === key);
  if (cluster === undefined) throw new Error(`no cluster "${key}" in the scenario`);
  return cluster;
}

/** The Date header tells the entry node's clock (proxmox-api.md 7). */
function headersOf(entry: Machine, at: number): Record<string, string> {
  const date = new Date(entry.clock.wallS(at) * 1000).toUTCString();
  return { 'content-type': 'application/json;charset=UTF-8', server: 'pve-api-daemon/3.0', date };
}

const namedCertificates: Certificates = {
  fingerprintOf: (node) =>
    Array.from({ length: 32 }, (_, index) =>
      (hashOf(node, index) & 0xff).toString(16).padStart(2, '0').toUpperCase(),
    ).join(':'),
  certificatesOf: (node) => [
    { filename: 'pve-ssl.pem', fingerprint: namedCertificates.fingerprintOf(node), subject: `/CN=${node}` },
  ],
};
