import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LogOptions } from '../log.js';
import { shapeChecker } from './check-shape.js';
import { clientSchema, type FileClient } from './client-schema.js';
import { ConfigError } from './config-error.js';
import type { NodeConfig, NodeTrust } from './config.js';
import { expand } from './expand.js';
import { faultOf, headerSecretOf } from './files.js';
import { deepFreeze } from './freeze.js';
import { checkName, nodeOf } from './nodes.js';
import { readYaml } from './read-yaml.js';
import { trustOf } from './trust.js';

/** The agent's configuration, frozen, every default filled in, every path absolute. docs/config.md lists the keys. */
export interface ClientConfig {
  /** Absolute path of the file that this came from. */
  file: string;
  /** The node to look at, under the name by which it is reported. */
  node: NodeConfig;
  hostname: string | null;
  proxmoxTimeoutSeconds: number;
  manager: ManagerConfig;
  intervalSeconds: number;
  trackQemu: boolean;
  trackLxc: boolean;
  stateFile: string;
  outbox: { file: string; maxBytes: number };
  logging: LogOptions;
}

export interface ManagerConfig {
  /** Without a slash at its end. */
  url: string;
  /** Empty: none is sent. */
  apiKey: string;
  timeoutSeconds: number;
  /** Null where the address is plain HTTP. */
  trust: NodeTrust | null;
}

const checkShape = shapeChecker<FileClient>(clientSchema);

/** Reads a client_config.yaml: the agent's whole configuration, or one ConfigError. `env` is what `${NAME}` in the file refers to. */
export function loadClientConfig(file: string, env: NodeJS.ProcessEnv): ClientConfig {
  return parseClientConfig(textOf(file), { file, env });
}

/** The agent's configuration in a YAML text; relative paths are relative to the folder of `file`, which need not exist. */
export function parseClientConfig(text: string, parts: { file: string; env: NodeJS.ProcessEnv }): ClientConfig {
  const values = expand(readYaml(text, parts.file) ?? {}, clientSchema, parts.env);
  return deepFreeze(clientOf(checkShape(values), resolve(parts.file)));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `the agent's configuration is to be in ${file}, ${faultOf(error)}. deploy/client_config.yaml is a sample; --config names another`,
    );
  }
}

function clientOf(file: FileClient, path: string): ClientConfig {
  const folder = dirname(path);
  const { node, proxmox, polling, outbox, logging } = file;
  if (!polling.track_qemu && !polling.track_lxc) {
    throw new ConfigError('polling tracks nothing: set track_qemu or track_lxc to true');
  }
  checkName(node.name, 'node');
  const { timeout: proxmoxTimeoutSeconds, ...entry } = proxmox;
  const stateFile = resolve(folder, file.state_file);
  const outboxFile = outbox.file === null ? `${stateFile}.outbox` : resolve(folder, outbox.file);
  if (outboxFile === stateFile) throw new ConfigError('outbox.file is the same as state_file: name another file');
  return {
    file: path,
    node: nodeOf({ ...entry, name: node.name, scope: 'node', journal: false, agent_names: [] }, 'proxmox', folder),
    hostname: node.hostname,
    proxmoxTimeoutSeconds,
    manager: managerOf(file.manager, folder),
    intervalSeconds: polling.interval_seconds,
    trackQemu: polling.track_qemu,
    trackLxc: polling.track_lxc,
    stateFile,
    outbox: { file: outboxFile, maxBytes: outbox.max_mib * 1024 * 1024 },
    logging: { ...logging, file: logging.file === '' ? '' : resolve(folder, logging.file) },
  };
}

function managerOf(manager: FileClient['manager'], folder: string): ManagerConfig {
  const url = urlOf(manager.url);
  const { api_key: value, api_key_file: file } = manager;
  const held = { section: 'manager', key: 'api_key', value, fileKey: 'api_key_file', file };
  return {
    url: url.href.replace(/\/+$/, ''),
    apiKey: headerSecretOf(held, folder),
    timeoutSeconds: manager.timeout,
    trust: url.protocol === 'http:' ? null : managerTrustOf(manager, url, folder),
  };
}

function managerTrustOf(manager: FileClient['manager'], url: URL, folder: string): NodeTrust {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { fingerprint = null, ca_file = null } = manager;
  // The field's files leave verify_ssl out where the certificate is an ordinary one.
  const verify_ssl = manager.verify_ssl ?? (fingerprint === null && ca_file === null ? true : null);
  const keys = { host, port: Number(url.port) || 443, fingerprint, ca_file, verify_ssl };
  return trustOf(keys, 'manager', folder, "the certificate of the manager's CA");
}

// The address itself, which may hold a password, is never shown.
function urlOf(written: string): URL {
  const url = parsedUrl(written);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ConfigError('manager.url is not an address of the web: begin it with https:// or http://');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new ConfigError('manager.url holds more than an address: leave out user, password, "?" and "#"');
  }
  return url;
}

function parsedUrl(written: string): URL {
  try {
    return new URL(written);
  } catch {
    throw new ConfigError('manager.url is not an address: write it as https://tracker.example.org:8000');
  }
}
