import { isIPv6 } from 'node:net';
import { UsageError } from './command.js';

/** A host with or without a port, as people write it: pve-01, 10.0.0.11:8006, [fd00::1]:8006, https://pve-01:8006/. Throws a UsageError. */
export function addressOf(written: string, presetPort: number): { host: string; port: number } {
  const bare = written
    .trim()
    .replace(/^https:\/\//i, '')
    .replace(/\/.*$/, '');
  if (isIPv6(bare)) return { host: bare, port: presetPort };
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([A-Za-z0-9.-]+))(?::(\d+))?$/.exec(bare) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && !isIPv6(bracketed))) {
    throw new UsageError(`"${written}" is not a host: write an address or a name, such as 10.0.0.11 or pve-01:8006`);
  }
  return { host, port: port === undefined ? presetPort : portOf(port, 'the port') };
}

/** A port number from 1 to 65535, or 0 where allowed for "any free one"; `name` is how the sentence calls it. Throws a UsageError. */
export function portOf(written: string, name: string, least: 0 | 1 = 1): number {
  const port = /^\d{1,5}$/.test(written) ? Number(written) : -1;
  if (port >= least && port <= 65535) return port;
  throw new UsageError(`${name} is "${written}": write a number from ${least} to 65535`);
}
