import type { Clock } from '../clock.js';
import type { NodeConfig, PollingConfig } from '../config/config.js';
import type { ClusterDiscovery, GuestRow, GuestType, NodeObservation, Seen } from '../core/observation.js';
import type { Log } from '../log.js';
import { createClient, type ProxmoxApi } from './client.js';
import { discoverCluster, fetchGrants } from './cluster.js';
import { ProxmoxError } from './errors.js';
import { fetchJournal } from './journal.js';
import { observeNode } from './observe.js';
import { grantCommands, type Grant } from './permissions.js';
import { reader, TEXT, textOf, type RawText } from './schema.js';

export type NodeCheck =
  | {
      ok: true;
      name: string;
      /** The node's own name in Proxmox. */
      node: string;
      cluster: string | null;
      version: string;
      privileges: { privilege: string; path: string; isGranted: boolean }[];
      guests: { vmid: number; name: string | null; type: GuestType; status: string }[];
      warnings: string[];
    }
  | { ok: false; name: string; sentence: string };

const CLOCK_WARNING_MS = 5_000;

const readVersion = reader<{ version: RawText }>({
  type: 'object',
  properties: { version: TEXT },
  required: ['version'],
});

/** An entry whose check failed: the message is the sentence for the operator. */
class CheckFailure extends Error {}

/**
 * Asks a configured node everything that a poll will ask: whether it answers, shows the right certificate, takes the token,
 * grants VM.Audit and Sys.Audit, and lists its guests. On failure one sentence with cause and mend.
 */
export async function checkNode(
  node: NodeConfig,
  polling: PollingConfig,
  parts: { clock: Clock; log: Log },
): Promise<NodeCheck> {
  const warnings: string[] = [];
  const { name, host, port, user, tokenName, tokenValue, trust } = node;
  const timeoutMs = polling.timeoutSeconds * 1000;
  const { clock } = parts;
  const log: Log = { ...quietly(parts.log), warn: (message) => warnings.push(message) };
  const target = { host, port, user, tokenName, tokenValue, trust, expectedNode: name, timeoutMs };
  const api = createClient(target, { clock, log });
  try {
    return { ok: true, name, ...(await examine(api, node, polling, { clock, log })), warnings };
  } catch (error) {
    if (error instanceof ProxmoxError || error instanceof CheckFailure)
      return { ok: false, name, sentence: error.message };
    throw error;
  } finally {
    api.close();
  }
}

/** The caller's log for what is no finding: a check prints its own answer. */
function quietly(log: Log): Log {
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.debug(message, fields),
    warn: (message, fields) => log.debug(message, fields),
    error: (message, fields) => log.debug(message, fields),
  };
}

type Findings = Omit<Extract<NodeCheck, { ok: true }>, 'ok' | 'name' | 'warnings'>;

async function examine(
  api: ProxmoxApi,
  entry: NodeConfig,
  polling: PollingConfig,
  parts: { clock: Clock; log: Log },
): Promise<Findings> {
  // Any user may ask this, so what fails here is the way, the certificate or the token.
  const version = textOf(readVersion((await api.get('/version')).data, 'GET /version').version) ?? 'unknown';
  const discovery = await discoverCluster(api, parts.clock);
  const local = localNodeOf(discovery) ?? entry.name;
  const grants = valueOf(await fetchGrants(api, local, parts.clock));
  refuseMissing(grants, entry);
  const { clusterName } = valueOf(discovery);
  grantWarnings(grants).forEach((warning) => parts.log.warn(warning));
  const observation = await observeNode(
    api,
    {
      node: local,
      trackQemu: polling.trackQemu,
      trackLxc: polling.trackLxc,
      // The newest page of the log shows that it can be read.
      isKnownFinished: () => true,
      askStatus: true,
      isDirect: true,
    },
    parts,
  );
  valueOf(observation.tasks);
  clockWarnings(observation).forEach((warning) => parts.log.warn(warning));
  if (entry.journal) await checkJournal(api, local, parts);
  const guests = [observation.qemu, observation.lxc].flatMap((list) => (list === null ? [] : valueOf(list)));
  return {
    node: local,
    cluster: clusterName,
    version,
    privileges: grants.filter(isRequired),
    guests: guests.map(({ vmid, name, type, status }: GuestRow) => ({ vmid, name, type, status })),
  };
}

/** The journal is never required: without it an end that no task explains keeps the bounds of the polls. */
async function checkJournal(api: ProxmoxApi, node: string, parts: { clock: Clock; log: Log }): Promise<void> {
  const untilS = Math.floor(parts.clock.now() / 1000);
  const journal = await fetchJournal(api, node, { sinceS: untilS - 60, untilS }, parts.clock);
  if (journal.kind === 'seen') return;
  parts.log.warn(
    `journal is true, but the journal cannot be read: ${journal.detail}. The token and its user need a role with Sys.Syslog on /; docs/config.md has the commands`,
  );
}

function valueOf<T>(seen: Seen<T>): T {
  if (seen.kind === 'seen') return seen.value;
  throw new CheckFailure(seen.detail);
}

/** Null where discovery was forbidden: the grants then say what is missing. Another failure ends the check. */
function localNodeOf(discovery: Seen<ClusterDiscovery>): string | null {
  if (discovery.kind === 'not_seen' && discovery.reason === 'permission_lost') return null;
  return valueOf(discovery).localNode;
}

/** VM.Audit and Sys.Audit as a whole; what is hidden guest by guest is a warning. */
function isRequired(grant: Grant): boolean {
  return grant.privilege !== 'Pool.Audit' && !grant.path.startsWith('/vms/');
}

function refuseMissing(grants: Grant[], entry: NodeConfig): void {
  const missing = grants.filter((grant) => isRequired(grant) && isMissing(grant, entry));
  if (missing.length === 0) return;
  const paths = missing.map((grant) => ({ ...grant, path: entry.scope === 'cluster' ? '/' : grant.path }));
  const what = paths.map(({ privilege, path }) => `${privilege} on ${path}`).join(' and ');
  const commands = [...new Set(paths.map(({ path }) => path))]
    .map((path) => grantCommands(path, entry.user, entry.tokenName))
    .join(', then ');
  throw new CheckFailure(
    `the token ${entry.user}!${entry.tokenName} lacks ${what}: run ${commands} on a node of the cluster`,
  );
}

/** For a whole cluster Sys.Audit must hold on `/`, which /cluster/status asks for; for one node it may hold there alone. */
function isMissing(grant: Grant, entry: NodeConfig): boolean {
  return !grant.isGranted || (entry.scope === 'cluster' && grant.privilege === 'Sys.Audit' && grant.path !== '/');
}

function grantWarnings(grants: Grant[]): string[] {
  const hidden = grants.filter((grant) => !grant.isGranted && grant.path.startsWith('/vms/')).map(({ path }) => path);
  const warnings: string[] = [];
  if (hidden.length > 0) {
    const more = hidden.length > 5 ? ` and ${hidden.length - 5} more` : '';
    warnings.push(`VM.Audit is missing on ${hidden.slice(0, 5).join(', ')}${more}: those guests are not seen`);
  }
  if (grants.some((grant) => grant.privilege === 'Pool.Audit' && !grant.isGranted)) {
    warnings.push('Pool.Audit is missing on /pool: the pools of guests stay unknown');
  }
  return warnings;
}

function clockWarnings({ offset }: NodeObservation): string[] {
  if (offset === null) return [];
  const offMs = offset.earliestMs > 0 ? offset.earliestMs : Math.min(0, offset.latestMs);
  if (Math.abs(offMs) < CLOCK_WARNING_MS) return [];
  const side = offMs > 0 ? 'ahead of' : 'behind';
  const seconds = Math.round(Math.abs(offMs) / 1000);
  return [`the node's clock is ${seconds} s ${side} this machine's: let both follow NTP`];
}
