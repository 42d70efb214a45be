import { isIPv6 } from 'node:net';
import { ConfigError, fieldError } from './config-error.js';
import type { NodeConfig } from './config.js';
import { mendOfEmpty } from './expand.js';
import type { FileNode } from './file.js';
import { secretOf } from './files.js';
import { trustOf } from './trust.js';

/** The entries of `nodes:` as values; throws a ConfigError for one that cannot work and for two that say the same. */
export function nodesOf(entries: FileNode[], folder: string): NodeConfig[] {
  const nodes = entries.map((entry, index) => nodeOf(entry, `nodes[${index}]`, folder));
  nodes.forEach((node, index) => {
    nodes.slice(0, index).forEach((earlier, at) => refuseTwins(earlier, `nodes[${at}]`, node, `nodes[${index}]`));
  });
  return nodes;
}

/** One entry as values, `key` being where it stands; throws a ConfigError where it cannot work. */
export function nodeOf(entry: FileNode, key: string, folder: string): NodeConfig {
  checkName(entry.name, key);
  checkHost(entry.host, key);
  checkUser(entry.user, key);
  checkTokenName(entry.token_name, key);
  return {
    name: entry.name,
    host: entry.host,
    port: entry.port,
    user: entry.user,
    tokenName: entry.token_name,
    tokenValue: tokenOf(entry, key, folder),
    trust: trustOf(entry, key, folder),
    scope: entry.scope,
    journal: entry.journal,
    agentNames: entry.agent_names,
  };
}

/** Throws for a name that the wire cannot bear: a slash would read as cluster/name, and 255 characters are its bound. */
export function checkName(name: string, key: string): void {
  if (name.length > 255) throw fieldError(key, 'name', `has ${name.length} characters: write at most 255`);
  if (!/^[^\s/\p{Cc}](?:[^/\p{Cc}]*[^\s/\p{Cc}])?$/u.test(name)) {
    const mend = 'write a name without "/" and without blanks at its ends';
    throw fieldError(key, 'name', `is ${JSON.stringify(name)}: ${mend}`);
  }
}

/** Throws for what is no address or host name alone. */
export function checkHost(host: string, key: string): void {
  if (isIPv6(host)) return;
  const [, inner, port] = /^(?:[a-z]+:\/\/)?\[?([^/[\]]*?)\]?(?::(\d+))?(?:\/.*)?$/i.exec(host) ?? [];
  if (inner === host && /^[A-Za-z0-9._-]+$/.test(host)) return;
  const mend =
    inner === undefined || inner === '' || !/^[A-Za-z0-9._:-]+$/.test(inner) ? 'an address or a host name' : inner;
  const also = port === undefined ? '' : `, and ${port} as port`;
  throw fieldError(key, 'host', `is ${JSON.stringify(host)}: write ${mend} alone${also}`);
}

/** Throws for what is no user of Proxmox with its realm. */
export function checkUser(user: string, key: string): void {
  const fault = (message: string): ConfigError => fieldError(key, 'user', `is ${JSON.stringify(user)}${message}`);
  const [account = '', token] = user.split('!');
  if (token !== undefined) throw fault(`: write ${account}, and what follows "!" as token_name`);
  if (!user.includes('@')) throw fault(`, which has no realm: write ${user}@pve or ${user}@pam`);
  if (!/^[^\s@:/]+@[A-Za-z][A-Za-z0-9._-]*$/.test(user)) {
    throw fault(': write a user with its realm, such as tracker@pve');
  }
}

/** Throws for what is no name of a token, without its user. */
export function checkTokenName(tokenName: string, key: string): void {
  const fault = (mend: string): ConfigError =>
    fieldError(key, 'token_name', `is ${JSON.stringify(tokenName)}: write ${mend}`);
  const after = tokenName.split('!')[1];
  if (after !== undefined) throw fault(`only what follows "!": ${after}`);
  if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(tokenName)) throw fault("the token's name, such as tracker");
}

/** True for what a token's secret may be. It is sent as a header: "PVEAPIToken=..." pasted whole, or a line break, would be another header. */
export function isToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token) && !/[=!]/.test(token);
}

/** How the sentence about something that is no token goes on. */
export const NO_TOKEN = 'is not a token: write only its secret, without the token\'s name, blanks or "="';

function tokenOf(entry: FileNode, key: string, folder: string): string {
  const { token_value: value, token_file: file } = entry;
  const token = secretOf({ section: key, key: 'token_value', value, fileKey: 'token_file', file }, folder);
  if (token === '') {
    const mend = mendOfEmpty(`${key}.token_value`, entry.name);
    throw new ConfigError(`${key}.token_value is empty: ${mend}, or name a file that holds it in token_file`);
  }
  if (!isToken(token)) {
    const where = file === undefined ? `${key}.token_value` : `the file of ${key}.token_file`;
    throw new ConfigError(`${where} ${NO_TOKEN}`);
  }
  return token;
}

function refuseTwins(earlier: NodeConfig, earlierKey: string, node: NodeConfig, key: string): void {
  const twin = twinOf(earlier, node);
  switch (twin?.of) {
    case undefined:
      return;
    case 'name':
      throw new ConfigError(`${key}.name is "${node.name}", as is ${earlierKey}.name: give each node its own name`);
    case 'host':
      throw new ConfigError(`${key} is ${twin.value}, as is ${earlierKey}: take one of the two out`);
    case 'agent_names':
      throw new ConfigError(
        `${key}.agent_names holds "${twin.value}", which is ${earlierKey} already: keep it at one node`,
      );
    case 'taken':
      throw new ConfigError(
        `${earlierKey}.agent_names holds "${twin.value}", which is ${key}.name: keep it at one node`,
      );
  }
}

type Named = Pick<NodeConfig, 'name' | 'host' | 'port' | 'agentNames'>;

/** Why an entry of the database is not used, as a sentence: what config.yaml says counts, and it may have been written later. Null: it is. */
export function clashOf(configured: readonly Named[], stored: Named): string | null {
  const twin = configured.find((other) => ['name', 'host'].includes(twinOf(other, stored)?.of ?? ''));
  return twin === undefined
    ? null
    : `config.yaml names the same node as "${twin.name}", which counts: this entry is not used`;
}

/** What two entries have in common that only one may have; null for nothing. `taken`: the earlier one's agents are called as the later node. */
export function twinOf(
  earlier: Named,
  node: Named,
): { of: 'name' | 'host' | 'agent_names' | 'taken'; value: string } | null {
  // Agents are matched without regard to case, and so do some databases compare names.
  if (same(earlier.name, node.name)) return { of: 'name', value: earlier.name };
  if (same(earlier.host, node.host) && earlier.port === node.port) {
    return { of: 'host', value: `${node.host}:${node.port}` };
  }
  const shared = node.agentNames.find((name) =>
    [earlier.name, ...earlier.agentNames].some((other) => same(other, name)),
  );
  if (shared !== undefined) return { of: 'agent_names', value: shared };
  const taken = earlier.agentNames.find((name) => same(name, node.name));
  return taken === undefined ? null : { of: 'taken', value: taken };
}

function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
