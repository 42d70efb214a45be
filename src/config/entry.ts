import { shapeFaultsOf } from './check-shape.js';
import { ConfigError, fieldError, type FieldFault } from './config-error.js';
import type { NodeConfig, NodeTrust } from './config.js';
import type { FileNode } from './file.js';
import { checkHost, checkName, checkTokenName, checkUser, clashOf, isToken, NO_TOKEN, twinOf } from './nodes.js';
import { readYaml } from './read-yaml.js';
import { nodeSchema, type Schema } from './schema.js';
import { fingerprintOf, kindOfPem } from './trust.js';

/** The fields of an entry of `nodes:`, as a form, a call or a pasted text gave them. */
export type EntryFields = Record<string, unknown>;

/** What is made of an entry that stands in no file: the node, or what is wrong with its fields. */
export type EntryVerdict = { node: NodeConfig } | { faults: FieldFault[] };

/** An entry from outside names no files of this machine: it brings the CA with it. */
type OutsideEntry = Omit<FileNode, 'token_file' | 'ca_file'> & { ca_pem?: string | null };

const shapeFaults = shapeFaultsOf(outsideSchema());

/** Whoever adds an entry from elsewhere must not have a file of the manager's read, let alone sent to a server of theirs. */
const fileKeys: Record<string, string> = {
  token_file: 'belongs into config.yaml alone: give the token itself as token_value',
  ca_file: 'belongs into config.yaml alone: give the certificate itself as ca_pem',
};

/**
 * Judges an entry that a form, a call or a command gave, by the rules of `nodes:` in config.yaml, less its files and variables; a
 * field that is null or empty is none. `others` are the entries that it stands beside. Yields every fault, not only the first.
 */
export function checkEntry(given: EntryFields, others: readonly NodeConfig[]): EntryVerdict {
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== ''));
  const foreign = Object.keys(fields).find((field) => Object.hasOwn(fileKeys, field));
  if (foreign !== undefined) return { faults: [{ field: foreign, message: fileKeys[foreign] ?? '' }] };
  const misshapen = shapeFaults(fields);
  if (misshapen.length > 0) return { faults: misshapen };
  const entry = fields as unknown as OutsideEntry;
  const faults: FieldFault[] = [];
  const attempt = <T>(check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ConfigError) || error.fault === null) throw error;
      faults.push(error.fault);
      return undefined;
    }
  };
  attempt(() => checkName(entry.name, ''));
  attempt(() => checkHost(entry.host, ''));
  attempt(() => checkUser(entry.user, ''));
  attempt(() => checkTokenName(entry.token_name, ''));
  const tokenValue = attempt(() => tokenOf(entry)) ?? '';
  const trust = attempt(() => trustOf(entry)) ?? { kind: 'unverified' };
  const { name, host, port, user, token_name: tokenName, scope, journal, agent_names: agentNames } = entry;
  const node = { name, host, port, user, tokenName, tokenValue, trust, scope, journal, agentNames };
  const twin = others.map((other) => twinFault(other, node)).find((fault) => fault !== null);
  if (twin !== undefined) faults.push(twin);
  return faults.length === 0 ? { node } : { faults };
}

/** The fields in a pasted entry: what relay.sh prints, or the lines of one node without `nodes:` above them. */
export function readEntry(text: string): { fields: EntryFields } | { faults: FieldFault[] } {
  const fault = (message: string): { faults: FieldFault[] } => ({ faults: [{ field: 'entry', message }] });
  let value: unknown;
  try {
    value = readYaml(text, 'the entry');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fault(`cannot be read: ${error.message}`);
  }
  if (isRecord(value) && Object.hasOwn(value, 'nodes')) value = value['nodes'];
  if (Array.isArray(value) && value.length > 1) return fault(`holds ${value.length} nodes: give one after the other`);
  const entry: unknown = Array.isArray(value) ? value[0] : value;
  return isRecord(entry) ? { fields: entry } : fault('holds no node: paste what relay.sh prints, from "nodes:" on');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tokenOf({ name, token_value: token = '' }: OutsideEntry): string {
  if (token === '') throw fieldError('', 'token_value', `is empty: put the API token of "${name}" there`);
  if (!isToken(token)) throw fieldError('', 'token_value', NO_TOKEN);
  return token;
}

function trustOf({ fingerprint, ca_pem: pem, verify_ssl: isVerified, host, port }: OutsideEntry): NodeTrust {
  const set = Object.entries({ fingerprint, ca_pem: pem, verify_ssl: isVerified }).filter(
    ([, value]) => (value ?? null) !== null,
  );
  const [first, second] = set;
  if (second !== undefined) {
    throw fieldError('', second[0], `stands beside ${first?.[0]}: keep the one by which to trust the node`);
  }
  if (typeof fingerprint === 'string') return { kind: 'fingerprint', sha256: fingerprintOf(fingerprint, '') };
  if (typeof pem === 'string') return { kind: 'ca_file', file: 'ca_pem', pem: caOf(pem) };
  if (typeof isVerified === 'boolean') return { kind: isVerified ? 'public_ca' : 'unverified' };
  const mend = `set it to what "proxmox-tracker fingerprint ${host}:${port}" prints, or give ca_pem or verify_ssl`;
  throw fieldError('', 'fingerprint', `is missing, so that ${host} cannot be trusted: ${mend}`);
}

function caOf(pem: string): string {
  switch (kindOfPem(pem)) {
    case 'ca':
      return pem;
    case 'private_key':
      throw fieldError('', 'ca_pem', "holds a private key: give the CA's certificate (pve-root-ca.pem) alone");
    case 'server':
      throw fieldError('', 'ca_pem', 'is the certificate of a server, not of a CA: give /etc/pve/pve-root-ca.pem');
    case 'none':
      throw fieldError('', 'ca_pem', 'is no certificate in PEM: give the content of /etc/pve/pve-root-ca.pem');
  }
}

function twinFault(other: NodeConfig, node: NodeConfig): FieldFault | null {
  const twin = twinOf(other, node);
  const fault = (field: string, message: string): FieldFault => ({ field, message, isTaken: true });
  switch (twin?.of) {
    case undefined:
      return null;
    case 'name':
      return fault('name', `is "${node.name}", and there is an entry of that name already`);
    case 'host':
      return fault('host', `is ${twin.value}, which the entry "${other.name}" names already`);
    case 'agent_names':
      return fault('agent_names', `holds "${twin.value}", which belongs to "${other.name}" already`);
    case 'taken':
      return fault('name', `is "${node.name}", under which agents of "${other.name}" report`);
  }
}

// What becomes a column is as long as one: shorter than what a file may hold.
function outsideSchema(): Schema {
  const { token_file: _file, ca_file: _ca, ...properties } = nodeSchema().properties ?? {};
  const short = (name: string): [string, Schema] => {
    const schema = properties[name] ?? { type: 'string' };
    return [name, { ...schema, maxLength: 255, expects: `${schema.expects ?? 'a text'}, at most 255 characters` }];
  };
  const pem: Schema = {
    type: ['string', 'null'],
    maxLength: 20_000,
    expects: "the cluster's CA certificate in PEM",
    isSecret: true,
  };
  const names = properties['agent_names'] ?? { type: 'array' };
  return {
    ...nodeSchema(),
    properties: {
      ...properties,
      ...Object.fromEntries(['host', 'user', 'token_name'].map(short)),
      token_value: { ...properties['token_value'], type: 'string', maxLength: 1000 },
      agent_names: { ...names, maxItems: 50 },
      ca_pem: pem,
    },
  };
}

/** How entries from outside are judged and read, as one value to hand in. */
export const entryChecks = { check: checkEntry, read: readEntry, clash: clashOf };
