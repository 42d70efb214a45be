import { ApiError, allowParameters, isReachable, type AnswerContext } from './answer.js';
import { clusterStatus, membersOf, nodeList, resources } from './answer-cluster.js';
import { guestConfig, guestCurrent, guestList } from './answer-guests.js';
import { certificatesInfo, journal, nodeStatus, nodeTime, versionOf } from './answer-node.js';
import { rrdData } from './answer-rrd.js';
import { clusterTasks, taskLines, taskPage, taskStatus } from './answer-tasks.js';
import type { Machine } from './machine.js';
import { permissionTree } from './permissions.js';
import type { GuestType } from './scenario.js';

/** The data of a GET, or a Page; throws ApiError. */
export function route(context: AnswerContext, segments: readonly string[]): unknown {
  const [first, second, third] = segments;
  if (first === 'nodes' && second !== undefined)
    return routeNode(context, targetOf(context, second), segments.slice(2));
  if (first === 'nodes') return nodeList(context);
  if (first === 'version' && second === undefined) return versionOf(context, context.entry);
  if (first === 'access' && second === 'permissions') return permissions(context);
  if (first === 'cluster' && third === undefined) {
    if (second === 'status') return clusterStatus(context);
    if (second === 'resources') return resources(context);
    if (second === 'tasks') return clusterTasks(context);
  }
  throw notImplemented(segments);
}

function routeNode(context: AnswerContext, machine: Machine, segments: readonly string[]): unknown {
  const [first, second, third] = segments;
  if (first === 'qemu' || first === 'lxc') {
    return second === undefined
      ? guestList(context, machine, first)
      : routeGuest(context, machine, first, second, segments.slice(2));
  }
  if (first === 'tasks') {
    if (second === undefined) return taskPage(context, machine);
    if (third === 'status') return taskStatus(context, machine, second);
    if (third === 'log') return taskLines(context, machine, second);
  }
  if (first === 'certificates' && second === 'info') return certificatesInfo(context, machine);
  if (second === undefined) {
    if (first === 'time') return nodeTime(context, machine);
    if (first === 'status') return nodeStatus(context, machine);
    if (first === 'version') return versionOf(context, machine);
    if (first === 'journal') return journal(context, machine);
  }
  throw notImplemented(segments);
}

function routeGuest(
  context: AnswerContext,
  machine: Machine,
  type: GuestType,
  vmid: string,
  rest: readonly string[],
): unknown {
  if (!/^[1-9]\d{2,8}$/.test(vmid)) {
    throw new ApiError(400, 'Parameter verification failed.', {
      vmid: 'invalid format - value does not look like a valid VM ID',
    });
  }
  const [first, second] = rest;
  if (first === 'config' && second === undefined) return guestConfig(context, machine, type, Number(vmid));
  if (first === 'status' && second === 'current') return guestCurrent(context, machine, type, Number(vmid));
  if (first === 'rrddata' && second === undefined) return rrdData(context, machine, type, Number(vmid));
  throw notImplemented(rest);
}

/** The node that a path names, through the entry node; an unknown one is a 500, one that cannot be reached a 595 (proxmox-api.md 5). */
export function targetOf(context: AnswerContext, name: string): Machine {
  const machine =
    membersOf(context).find((member) => member.name === name) ?? (name === 'localhost' ? context.entry : undefined);
  if (machine === undefined)
    throw new ApiError(
      500,
      `hostname lookup '${name}' failed - failed to get address info for: ${name}: Name or service not known`,
    );
  if (!isReachable(context, machine)) throw new ApiError(595, 'No route to host');
  return machine;
}

function permissions(context: AnswerContext): Record<string, unknown> {
  allowParameters(context.query, ['path', 'userid']);
  const tree = permissionTree(context.caller);
  const { path } = context.query;
  return path === undefined ? tree : path in tree ? { [path]: tree[path] } : {};
}

function notImplemented(segments: readonly string[]): ApiError {
  return new ApiError(501, `Method 'GET /${segments.join('/')}' not implemented`);
}
