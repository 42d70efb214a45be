import type { Engine } from './engine.js';
import type { Machine } from './machine.js';
import type { Caller } from './permissions.js';
import type { ScenarioFault } from './scenario.js';

/** A request as it reaches a node. The path may begin with /api2/json. */
export interface SimulatedRequest {
  method: string;
  path: string;
  query: Readonly<Record<string, string>>;
  /** The whole Authorization header. */
  authorization: string | undefined;
  /** The node that is connected to. */
  entryNode: string;
}

/** What comes back: a status with its body, or a fault of the way there. `delayMs` is how long it takes in either case. */
export type SimulatedAnswer =
  | { status: number; statusText: string; headers: Record<string, string>; body: unknown; delayMs: number }
  | { fault: 'hang' | 'refused'; delayMs: number }
  /** The status is 200; `text` is what of the body arrives. */
  | { fault: 'cut' | 'garbage'; text: string; delayMs: number };

/** Certificates are made by the server; a world without one answers with these. */
export interface Certificates {
  fingerprintOf(node: string): string;
  /** Rows of /nodes/{node}/certificates/info. */
  certificatesOf(node: string): Record<string, unknown>[];
}

/** All that an answer is made from. Everything is read as of `at`. */
export interface AnswerContext {
  engine: Engine;
  at: number;
  entry: Machine;
  caller: Caller;
  query: Readonly<Record<string, string>>;
  /** The faults in force that change what an answer says. */
  faults: readonly ScenarioFault[];
  certificates: Certificates;
}

/** Becomes the HTTP answer: Proxmox puts the message into the status line. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors?: Record<string, string>,
  ) {
    super(message);
  }
}

/** Rows beside a `total`. */
export class Page {
  constructor(
    readonly rows: unknown[],
    readonly total: number,
  ) {}
}

/** True when `node` answers others at `at`: it is up and not cut off. */
export function isReachable(context: AnswerContext, machine: Machine): boolean {
  if (!machine.isUpAt(context.at)) return false;
  return machine === context.entry || !isPartitioned(context, machine);
}

/** True when it, or the entry node, is cut off from the rest of the cluster. */
export function isPartitioned(context: AnswerContext, machine: Machine): boolean {
  const isCut = (name: string): boolean =>
    context.faults.some((fault) => fault.fault.kind === 'partitioned' && fault.node === name);
  return isCut(machine.name) || isCut(context.entry.name);
}

/** Refuses parameters that the method does not know, as additionalProperties 0 does. */
export function allowParameters(query: Readonly<Record<string, string>>, allowed: readonly string[]): void {
  const unknown = Object.keys(query).filter((name) => !allowed.includes(name));
  if (unknown.length === 0) return;
  const errors = Object.fromEntries(
    unknown.map((name) => [
      name,
      'property is not defined in schema and the schema does not allow additional properties',
    ]),
  );
  throw new ApiError(400, 'Parameter verification failed.', errors);
}
