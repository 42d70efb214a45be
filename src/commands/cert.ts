import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { instant } from './columns.js';
import { CommandError, UsageError, type Command, type OptionValues } from './command.js';

const loopback = ['localhost', '127.0.0.1', '::1'];

export const cert: Command = {
  name: 'cert',
  summary: 'Make a self-signed certificate for the pages and the API',
  options: {
    out: { type: 'string', value: 'DIR', help: 'where cert.pem and key.pem go (default: tls beside config.yaml)' },
    name: {
      type: 'string',
      value: 'NAME',
      isRepeatable: true,
      help: 'a name or address that it is opened by, once for each (default: those of this machine)',
    },
    force: { type: 'boolean', help: 'replace what is there' },
  },
  notes: [
    'For first steps, and where no certificate of a known authority is to be had: a browser asks once whether to trust it.',
    'localhost, 127.0.0.1 and ::1 are always among its names. The key is readable by its owner alone, who must be the',
    'user that runs "serve".',
  ],
  async run({ values, configFile, parts, print }) {
    const names = [...new Set([...(namesOf(values['name']) ?? ownNames()), ...loopback])];
    const base = dirname(resolve(configFile));
    const folder = typeof values['out'] === 'string' ? resolve(values['out']) : join(base, 'tls');
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    if (values['force'] !== true) refuseToReplace(Object.values(files));
    const { newSelfSigned } = await import('../certificates/self-signed.js');
    const made = await newSelfSigned(names, parts.clock.now());
    try {
      mkdirSync(folder, { recursive: true });
      write(files.key, made.keyPem, 0o600);
      write(files.cert, made.pem, 0o644);
    } catch (error) {
      throw new CommandError(`${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
    print(`A certificate for ${names.join(', ')}, valid to ${instant(made.notAfterAt)}.`);
    print(`SHA-256 ${made.fingerprint}`);
    print('');
    print('In config.yaml, below "server:" and "tls:", write');
    print(`    cert: ${written(files.cert, base)}`);
    print(`    key: ${written(files.key, base)}`);
    return 0;
  },
};

function namesOf(given: OptionValues[string]): string[] | null {
  if (!Array.isArray(given)) return null;
  const names = given.filter((name) => typeof name === 'string');
  const wrong = names.find((name) => !isName(name));
  if (wrong === undefined) return names;
  throw new UsageError(`--name is "${wrong}": write a host name or an address alone, such as tracker.lan or 10.0.0.5`);
}

/** What people open this machine by: its name, and the addresses that others reach. */
function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = addresses.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  return [hostname(), ...reachable.map(({ address }) => address)].filter(isName);
}

function isName(name: string): boolean {
  if (isIP(name) !== 0) return !name.includes('%');
  // A last part of digits alone is an address that is none, such as 10.0.0.256.
  return (
    name.length <= 253 &&
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name) &&
    !/(^|\.)\d+$/.test(name)
  );
}

function refuseToReplace(files: string[]): void {
  const taken = files.find((file) => existsSync(file));
  if (taken === undefined) return;
  throw new CommandError(`${taken} is there already: name another folder by --out, or replace it by --force`);
}

// Whole or not at all, and the key never for a moment readable by others.
function write(file: string, text: string, mode: number): void {
  const draft = `${file}.new`;
  writeFileSync(draft, text, { mode });
  chmodSync(draft, mode);
  renameSync(draft, file);
}

/** As config.yaml says it: relative to its folder where it lies within, quoted where YAML wants that. */
function written(file: string, base: string): string {
  const inside = relative(base, file);
  const path = inside.startsWith('..') ? file : inside;
  return /^[A-Za-z0-9./_-]+$/.test(path) ? path : JSON.stringify(path.replaceAll('${', '$${'));
}
