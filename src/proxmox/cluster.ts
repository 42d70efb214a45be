import type { Clock } from '../clock.js';
import type { ClusterDiscovery, GuestIdentity, GuestType, PermissionProbe, Seen } from '../core/observation.js';
import { ask } from './ask.js';
import type { ProxmoxApi } from './client.js';
import { notSeen, ProxmoxError } from './errors.js';
import { identityOf } from './identity.js';
import { grantsOf, type Grant } from './permissions.js';
import { badAnswer, FLAG, flagOf, NAME, numberOf, reader, rowsOf, TEXT, textOf } from './schema.js';
import type { RawFlag, RawNumber, RawText } from './schema.js';
import { bareFingerprint } from './trust.js';

interface RawStatus {
  type: string;
  name: string;
  ip?: RawText;
  local?: RawFlag;
  online?: RawFlag;
}

interface RawNode {
  node: string;
  status?: RawText;
  uptime?: RawNumber;
  ssl_fingerprint?: RawText;
}

interface RawCertificate {
  filename?: RawText;
  fingerprint?: RawText;
}

const readClusterStatus = reader<RawStatus[]>(
  rowsOf({ type: NAME, name: NAME, ip: TEXT, local: FLAG, online: FLAG }, ['type', 'name']),
);
const readNodes = reader<RawNode[]>(rowsOf({ node: NAME, status: TEXT, ssl_fingerprint: TEXT }, ['node']));
const readCertificates = reader<RawCertificate[]>(rowsOf({ filename: TEXT, fingerprint: TEXT }, []));

/**
 * Who answers, and who else belongs to its cluster. /cluster/status needs Sys.Audit on `/`: a token that has it on one node
 * only sees that node alone. Not seen when the server cannot be asked or does not say which node it is.
 */
export async function discoverCluster(api: ProxmoxApi, clock: Clock): Promise<Seen<ClusterDiscovery>> {
  const sentAt = clock.now();
  try {
    const nodesAnswer = await api.get('/nodes');
    const nodes = readNodes(nodesAnswer.data, 'GET /nodes');
    const { clusterName, members } = await fetchMembers(api, nodes);
    const local = members.find((member) => member.isLocal);
    if (local === undefined) throw badAnswer('GET /cluster/status', 'no node in it is marked as local');
    const rootCaSha256 = await fetchRootCa(api, local.node);
    const value = { clusterName, rootCaSha256, members, localNode: local.node };
    return { kind: 'seen', value, sentAt: nodesAnswer.sentAt, receivedAt: clock.now() };
  } catch (error) {
    return notSeen(error, { sentAt, receivedAt: clock.now() });
  }
}

async function fetchMembers(
  api: ProxmoxApi,
  nodes: RawNode[],
): Promise<Pick<ClusterDiscovery, 'clusterName' | 'members'>> {
  try {
    const rows = readClusterStatus((await api.get('/cluster/status')).data, 'GET /cluster/status');
    const members = rows
      .filter((row) => row.type === 'node')
      .map((row) => ({
        node: row.name,
        ip: textOf(row.ip),
        isOnline: flagOf(row.online),
        isLocal: flagOf(row.local),
        sslFingerprint: fingerprintOf(nodes, row.name),
      }));
    return { clusterName: rows.find((row) => row.type === 'cluster')?.name ?? null, members };
  } catch (error) {
    if (!(error instanceof ProxmoxError) || error.kind !== 'forbidden') throw error;
    const local = onlyAuditedNode(nodes);
    if (local === null) throw error;
    const sslFingerprint = fingerprintOf(nodes, local);
    return { clusterName: null, members: [{ node: local, ip: null, isOnline: true, isLocal: true, sslFingerprint }] };
  }
}

/** GET /nodes tells the uptime of those nodes only on which the token has Sys.Audit (API2Tools.pm). */
function onlyAuditedNode(nodes: RawNode[]): string | null {
  const audited = nodes.filter((row) => numberOf(row.uptime) !== null);
  const [only, ...others] = nodes.length === 1 ? nodes : audited;
  return only === undefined || others.length > 0 ? null : only.node;
}

function fingerprintOf(nodes: RawNode[], name: string): string | null {
  return textOf(nodes.find((row) => row.node === name)?.ssl_fingerprint);
}

/** The SHA-256 of pve-root-ca.pem as bare hex digits, null where the server does not tell it; an outage is not taken for that. */
async function fetchRootCa(api: ProxmoxApi, node: string): Promise<string | null> {
  const path = `/nodes/${encodeURIComponent(node)}/certificates/info`;
  try {
    const rows = readCertificates((await api.get(path)).data, `GET ${path}`);
    const fingerprint = textOf(rows.find((row) => row.filename === 'pve-root-ca.pem')?.fingerprint);
    return fingerprint === null ? null : bareFingerprint(fingerprint);
  } catch (error) {
    const isRefused =
      error instanceof ProxmoxError &&
      (error.kind === 'forbidden' || error.kind === 'bad_answer' || error.statusCode === 501);
    if (isRefused) return null;
    throw error;
  }
}

/** What the token may do for a node, granted and missing (GET /access/permissions, which needs no privilege itself). */
export async function fetchGrants(api: ProxmoxApi, node: string, clock: Clock): Promise<Seen<Grant[]>> {
  const path = '/access/permissions';
  const { seen } = await ask(api, clock, path, {}, (answer) => grantsOf(answer.data, node, `GET ${path}`));
  return seen;
}

/** What the token lacks for a node. Lists do not say so: without VM.Audit they are empty, without Sys.Audit tasks are few. */
export async function probePermissions(api: ProxmoxApi, node: string, clock: Clock): Promise<Seen<PermissionProbe>> {
  const grants = await fetchGrants(api, node, clock);
  if (grants.kind === 'not_seen') return grants;
  const missing = grants.value.filter((grant) => !grant.isGranted).map(({ privilege, path }) => ({ privilege, path }));
  return { ...grants, value: { missing } };
}

/** A guest's identity from its config, or `gone` where the node says that the config does not exist (ledger rule 18). */
export async function fetchIdentity(
  api: ProxmoxApi,
  node: string,
  type: GuestType,
  vmid: number,
  clock: Clock,
): Promise<Seen<GuestIdentity> | { kind: 'gone' }> {
  const path = `/nodes/${encodeURIComponent(node)}/${type}/${vmid}/config`;
  const { seen, error } = await ask(api, clock, path, { current: 1 }, (answer) =>
    identityOf(type, vmid, answer.data, `GET ${path}`),
  );
  return isGone(error, vmid) ? { kind: 'gone' } : seen;
}

/** "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist" (PVE/AbstractConfig.pm `load_config`), with 500. */
function isGone(error: ProxmoxError | null, vmid: number): boolean {
  if (error?.statusCode !== 500 || error.said === null) return false;
  return error.said.includes('does not exist') && error.said.includes(`${vmid}.conf`);
}
