import type { PermissionProbe } from '../core/observation.js';
import { FLAG, flagOf, reader, type RawFlag } from './schema.js';

export type Privilege = PermissionProbe['missing'][number]['privilege'];

export interface Grant {
  privilege: Privilege;
  /** Where it is granted; where it is missing, the path on which to grant it. */
  path: string;
  isGranted: boolean;
}

/** Path -> privilege -> whether it is handed down to paths below. */
type PermissionMap = Record<string, Record<string, RawFlag>>;

type Level = 'none' | 'here' | 'below';

const readMap = reader<PermissionMap>({
  type: 'object',
  additionalProperties: { type: 'object', additionalProperties: FLAG },
});

/** Paths that Proxmox always evaluates for GET /access/permissions, and leaves out where nothing is granted (RPCEnvironment.pm). */
const TOP_PATHS = ['/access', '/nodes', '/pool', '/sdn', '/storage', '/vms'];

/**
 * What the token may do for one node, by the answer of GET /access/permissions: VM.Audit on all guests, Sys.Audit on the
 * node, Pool.Audit on the pools; then each deeper path that is known to lack VM.Audit. A privilege counts where it is
 * effective, on `/` or on the narrower path.
 */
export function grantsOf(data: unknown, node: string, request: string): Grant[] {
  const map = readMap(data, request);
  const guests = grantOn(map, 'VM.Audit', '/vms', 'below');
  const grants = [
    guests,
    grantOn(map, 'Sys.Audit', `/nodes/${node}`, 'here'),
    grantOn(map, 'Pool.Audit', '/pool', 'below'),
  ];
  if (!guests.isGranted) return grants;
  // An ACL deeper in the tree replaces what comes from above (AccessControl.pm `roles`).
  const hidden = Object.keys(map).filter(
    (path) => path.startsWith('/vms/') && levelAt(map, path, 'VM.Audit') === 'none',
  );
  return [...grants, ...hidden.map((path) => ({ privilege: 'VM.Audit' as const, path, isGranted: false }))];
}

function grantOn(map: PermissionMap, privilege: Privilege, scope: string, needed: 'here' | 'below'): Grant {
  const level = levelAt(map, scope, privilege);
  const isGranted = level === 'below' || level === needed;
  const top = levelAt(map, '/', privilege);
  const isAtTop = isGranted ? top === 'below' : top === 'none';
  return { privilege, path: isAtTop ? '/' : scope, isGranted };
}

/** How a privilege holds at a path: as listed there, else as handed down from the nearest path above that is listed. */
function levelAt(map: PermissionMap, path: string, privilege: Privilege): Level {
  const listed = map[path];
  if (listed !== undefined) {
    if (!(privilege in listed)) return 'none';
    return flagOf(listed[privilege]) ? 'below' : 'here';
  }
  if (path === '/') return 'none';
  const isLeftOut = TOP_PATHS.includes(path) && TOP_PATHS.some((top) => map[top] !== undefined);
  if (isLeftOut) return 'none';
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return levelAt(map, parent, privilege) === 'below' ? 'below' : 'none';
}

/** The commands that grant what is missing: a token with privilege separation has what both, it and its user, have. */
export function grantCommands(path: string, user: string, tokenName: string): string {
  return (
    `\`pveum acl modify ${path} --users ${user} --roles PVEAuditor\` and ` +
    `\`pveum acl modify ${path} --tokens '${user}!${tokenName}' --roles PVEAuditor\``
  );
}
