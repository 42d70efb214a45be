import type { SimulatedAnswer } from '../../src/simulator/answer.js';
import { labToken } from '../../src/simulator/scenarios.js';
import type { ScenarioToken } from '../../src/simulator/scenario.js';
import type { World } from '../../src/simulator/world.js';

export const beganAt = Date.UTC(2026, 0, 5, 12);

export function authorizationOf({ user, tokenName, value }: ScenarioToken): string {
  return `PVEAPIToken=${user}!${tokenName}=${value}`;
}

/** A GET at an entry node with the lab's token. */
export function get(
  world: World,
  entryNode: string,
  path: string,
  at: number,
  query: Record<string, string> = {},
  authorization = authorizationOf(labToken()),
): SimulatedAnswer {
  return world.answer({ method: 'GET', path, query, authorization, entryNode }, at);
}

/** The data of an answer that must be a 200. */
export function dataOf<T>(answer: SimulatedAnswer): T {
  if (!('body' in answer) || answer.status !== 200) throw new Error(`not a 200: ${JSON.stringify(answer)}`);
  return (answer.body as { data: T }).data;
}

export interface Row {
  vmid: number;
  status: string;
  uptime: number;
  pid?: number;
  lock?: string;
  qmpstatus?: string;
  node?: string;
  name?: string;
}

export interface TaskRow {
  upid: string;
  node: string;
  type: string;
  id: string;
  user: string;
  tokenid?: string;
  starttime: number;
  endtime?: number;
  status?: string;
  pstart: number;
}

/** A guest's row in its node's list, or undefined when it is not listed. */
export function rowOf(world: World, node: string, type: 'qemu' | 'lxc', vmid: number, at: number): Row | undefined {
  const query: Record<string, string> = type === 'qemu' ? { full: '1' } : {};
  return dataOf<Row[]>(get(world, node, `/nodes/${node}/${type}`, at, query)).find((row) => row.vmid === vmid);
}

/** All tasks of a node as `type:id status`, in the order of their start. */
export function tasksOf(world: World, node: string, at: number): string[] {
  const rows = dataOf<TaskRow[]>(get(world, node, `/nodes/${node}/tasks`, at, { source: 'all', limit: '1000' }));
  return [...rows]
    .sort((a, b) => a.starttime - b.starttime || (a.upid < b.upid ? -1 : 1))
    .map((row) => `${row.type}:${row.id} ${row.status}`);
}
