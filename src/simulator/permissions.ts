import type { ScenarioCluster, ScenarioToken } from './scenario.js';

/** The caller of a request: a token, and the privileges that it has lost for the moment. */
export interface Caller {
  token: ScenarioToken;
  lost: ReadonlySet<string>;
}

/** The token of an `Authorization: PVEAPIToken=USER@REALM!NAME=VALUE` header; null when it is none of the cluster's (a 401). */
export function tokenOf(cluster: ScenarioCluster, authorization: string | undefined): ScenarioToken | null {
  const match = /^PVEAPIToken=(.+)=([^=]+)$/.exec(authorization ?? '');
  if (match === null) return null;
  return (
    cluster.tokens.find((token) => `${token.user}!${token.tokenName}` === match[1] && token.value === match[2]) ?? null
  );
}

/** True when the nearest ACL entry at or above `path` names the privilege: a deeper entry overrides the one above (proxmox-api.md 5). */
export function hasPrivilege(caller: Caller, path: string, privilege: string, pool: string | null = null): boolean {
  if (caller.lost.has(privilege)) return false;
  const { privileges } = caller.token;
  if (privileges.length === 1 && privileges[0]?.path === '/') return privileges[0].privileges.includes(privilege);
  for (let at = path; ; at = parentOf(at)) {
    const entry = privileges.find((candidate) => candidate.path === at);
    if (entry !== undefined) return entry.privileges.includes(privilege) || inPool(caller, pool, privilege);
    if (at === '/') return inPool(caller, pool, privilege);
  }
}

/** The answer of GET /access/permissions: the top paths and those with an entry, each privilege with its propagate flag. */
export function permissionTree(caller: Caller): Record<string, Record<string, number>> {
  const tree: Record<string, Record<string, number>> = {};
  const tops = ['/', '/access', '/nodes', '/pool', '/sdn', '/storage', '/vms'];
  for (const path of new Set([...tops, ...caller.token.privileges.map((entry) => entry.path)])) {
    const entry = nearest(caller, path);
    const kept = (entry?.privileges ?? []).filter((privilege) => !caller.lost.has(privilege));
    if (kept.length > 0) tree[path] = Object.fromEntries(kept.map((privilege) => [privilege, 1]));
  }
  return tree;
}

function nearest(caller: Caller, path: string): { privileges: string[] } | undefined {
  for (let at = path; ; at = parentOf(at)) {
    const entry = caller.token.privileges.find((candidate) => candidate.path === at);
    if (entry !== undefined || at === '/') return entry;
  }
}

function inPool(caller: Caller, pool: string | null, privilege: string): boolean {
  if (pool === null) return false;
  return caller.token.privileges.some(
    (entry) => entry.path === `/pool/${pool}` && entry.privileges.includes(privilege),
  );
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
