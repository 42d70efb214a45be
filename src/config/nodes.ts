import { isIPv6 } from 'node:net';
import { ConfigError } from './config-error.js';
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
  checkName(entry.name, `${key}.name`);
  checkHost(entry.host, key);
  checkUser(entry, key);
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

/** Refuses what is no node's name: a slash would read as cluster/name in an address, and 255 is the wire's bound on names. */
export function checkName(name: string, key: string): void {
  if (name.length > 255) throw new ConfigError(`${key} has ${name.length} characters: write at most 255`);
  if (!/^[^\s/\p{Cc}](?:[^/\p{Cc}]*[^\s/\p{Cc}])?$/u.test(name)) {
    throw new ConfigError(`${key} is ${JSON.stringify(name)}: write a name without "/" and without blanks at its ends`);
  }
}

function checkHost(host: string, key: string): void {
  if (isIPv6(host)) return;
  const [, inner, port] = /^(?:[a-z]+:\/\/)?\[?([^/[\]]*?)\]?(?::(\d+))?(?:\/.*)?$/i.exec(host) ?? [];
  if (inner === host && /^[A-Za-z0-9._-]+$/.test(host)) return;
  const mend =
    inner === undefined || inner === '' || !/^[A-Za-z0-9._:-]+$/.test(inner) ? 'an address or a host name' : inner;
  throw new ConfigError(
    `${key}.host is ${JSON.stringify(host)}: write ${mend} alone${port === undefined ? '' : `, and ${port} as port`}`,
  );
}

function checkUser(entry: FileNode, key: string): void {
  const { user, token_name: tokenName } = entry;
  const [account = '', token] = user.split('!');
  if (token !== undefined) {
    throw new ConfigError(
      `${key}.user is ${JSON.stringify(user)}: write ${account}, and what follows "!" as token_name`,
    );
  }
  if (!user.includes('@')) {
    throw new ConfigError(
      `${key}.user is ${JSON.stringify(user)}, which has no realm: write ${user}@pve or ${user}@pam`,
    );
  }
  if (!/^[^\s@:/]+@[A-Za-z][A-Za-z0-9._-]*$/.test(user)) {
    throw new ConfigError(`${key}.user is ${JSON.stringify(user)}: write a user with its realm, such as tracker@pve`);
  }
  const after = tokenName.split('!')[1];
  if (after !== undefined) {
    throw new ConfigError(`${key}.token_name is ${JSON.stringify(tokenName)}: write only what follows "!": ${after}`);
  }
  if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(tokenName)) {
    throw new ConfigError(`${key}.token_name is ${JSON.stringify(tokenName)}: write the token's name, such as tracker`);
  }
}

function tokenOf(entry: FileNode, key: string, folder: string): string {
  const { token_value: value, token_file: file } = entry;
  const token = secretOf({ section: key, key: 'token_value', value, fileKey: 'token_file', file }, folder);
  if (token === '') {
    const mend = mendOfEmpty(`${key}.token_value`, entry.name);
    throw new ConfigError(`${key}.token_value is empty: ${mend}, or name a file that holds it in token_file`);
  }
  // It is sent as a header: "PVEAPIToken=..." pasted whole, or a line break, would be another header.
  if (!/^[\x21-\x7e]+$/.test(token) || /[=!]/.test(token)) {
    const where = file === undefined ? `${key}.token_value` : `the file of ${key}.token_file`;
    throw new ConfigError(`${where} is not a token: write only its secret, without the token's name, blanks or "="`);
  }
  return token;
}

function refuseTwins(earlier: NodeConfig, earlierKey: string, node: NodeConfig, key: string): void {
  // Agents are matched without regard to case, and so do some databases compare names.
  if (same(earlier.name, node.name)) {
    throw new ConfigError(`${key}.name is "${node.name}", as is ${earlierKey}.name: give each node its own name`);
  }
  if (same(earlier.host, node.host) && earlier.port === node.port) {
    throw new ConfigError(`${key} is ${node.host}:${node.port}, as is ${earlierKey}: take one of the two out`);
  }
  const shared = node.agentNames.find((name) =>
    [earlier.name, ...earlier.agentNames].some((other) => same(other, name)),
  );
  if (shared !== undefined) {
    throw new ConfigError(`${key}.agent_names holds "${shared}", which is ${earlierKey} already: keep it at one node`);
  }
  const taken = earlier.agentNames.find((name) => same(name, node.name));
  if (taken !== undefined) {
    throw new ConfigError(`${earlierKey}.agent_names holds "${taken}", which is ${key}.name: keep it at one node`);
  }
}

function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
