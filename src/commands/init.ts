import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageRoot } from '../package-root.js';
import { CommandError, type Command, type Invocation } from './command.js';
import { tokenFileOf, tokenVariableOf, withNode, type NodeEntry, type TokenPlace } from './node-entry.js';
import { addressOf } from './operands.js';
import { openTerminal, type Terminal } from './terminal.js';
import { testNodes } from './test.js';

const timeoutMs = 10_000;

export const init: Command = {
  name: 'init',
  summary: 'Write config.yaml from five questions, then test it',
  options: {
    name: { type: 'string', value: 'NAME', help: 'what to call the node (default: the name in its certificate)' },
    force: { type: 'boolean', help: 'replace the nodes of a file that has some' },
  },
  notes: [
    'Asks for the address, shows the certificate to confirm, and asks for the token, its secret and where to keep that.',
    'From a pipe, each answer is one line of standard input. The file is readable by its owner alone.',
  ],
  async run(invocation) {
    const { parts, values, configFile, print } = invocation;
    const before = await textToFill(configFile, values['force'] === true, parts.env);
    const terminal = openTerminal(parts);
    const entry = await askEntry(terminal, invocation).finally(() => terminal.close());
    write(configFile, before, entry);
    print(`${configFile} is written, for its owner's eyes alone.`);
    if (entry.place === 'env')
      print(`Set ${tokenVariableOf(entry.name)} to the token's secret wherever the tracker runs.`);
    print('');
    const { loadConfig } = await import('../config/load.js');
    const env = entry.place === 'env' ? { ...parts.env, [tokenVariableOf(entry.name)]: entry.tokenValue } : parts.env;
    const code = await testNodes(loadConfig(configFile, env), parts, print);
    print(code === 0 ? '\nNext: proxmox-tracker serve' : '\nMend that, then run: proxmox-tracker test');
    return code;
  },
};

// A file without nodes is filled in and loses nothing; one with nodes is somebody's work.
async function textToFill(file: string, isForced: boolean, env: NodeJS.ProcessEnv): Promise<string> {
  if (!existsSync(file)) return readFileSync(join(packageRoot, 'config.yaml'), 'utf8');
  const text = readFileSync(file, 'utf8');
  if (isForced) return text;
  const { parseConfig } = await import('../config/load.js');
  const { nodes } = parseConfig(text, { file, env });
  if (nodes.length === 0) return text;
  throw new CommandError(
    `${file} has ${nodes.length === 1 ? 'a node' : `${nodes.length} nodes`} already: add yours there by hand, ` +
      'name another file with --config, or replace them with --force',
  );
}

async function askEntry(terminal: Terminal, { parts, values }: Invocation): Promise<NodeEntry> {
  const { host, port } = addressOf(
    await answer(terminal, 'Address of a Proxmox node (10.0.0.11 or pve-01:8006): '),
    8006,
  );
  const { fetchFingerprint } = await import('../proxmox/fingerprint.js');
  const seen = await fetchFingerprint(host, port, timeoutMs).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  });
  parts.stderr.write(`It shows the certificate of ${seen.subject}\n  SHA-256 ${seen.sha256}\n`);
  parts.stderr.write('The node itself shows the same one under Certificates, or by: pvenode cert info\n');
  if (!/^y(es)?$/i.test(await terminal.ask('Is it the same? [y/N] '))) {
    throw new CommandError('the certificate was not confirmed, so nothing was written');
  }
  const [user, tokenName] = tokenIdOf(
    (await terminal.ask("The token's ID [tracker@pve!tracker]: ")) || 'tracker@pve!tracker',
  );
  const tokenValue = (await terminal.askSecret("The token's secret: ")).trim();
  if (tokenValue === '') throw new CommandError("the token's secret is empty, so nothing was written");
  const place = placeOf(
    (await terminal.ask('Keep the secret in a file of its own, in config, or in env? [file] ')) || 'file',
  );
  const name = typeof values['name'] === 'string' ? values['name'] : nameOf(seen.names, seen.subject, host);
  return { name, host, port, user, tokenName, tokenValue, fingerprint: seen.sha256, place };
}

async function answer(terminal: Terminal, question: string): Promise<string> {
  const given = await terminal.ask(question);
  if (given === '') throw new CommandError('no address was given, so nothing was written');
  return given;
}

function tokenIdOf(written: string): [user: string, tokenName: string] {
  const [, user, tokenName] = /^([^\s@!]+@[^\s@!]+)!([^\s!]+)$/.exec(written) ?? [];
  if (user !== undefined && tokenName !== undefined) return [user, tokenName];
  throw new CommandError(`"${written}" is not a token's ID: write user, realm and name, such as tracker@pve!tracker`);
}

function placeOf(written: string): TokenPlace {
  const places: readonly TokenPlace[] = ['file', 'config', 'env'];
  const place = places.find((each) => each === written.toLowerCase());
  if (place === undefined) throw new CommandError(`"${written}" is none of file, config and env: nothing was written`);
  return place;
}

// Proxmox names its certificates pve-01.example.org: the first part is the node's own name.
function nameOf(names: string[], subject: string, host: string): string {
  const common = /CN\s*=\s*([A-Za-z0-9.-]+)/.exec(subject)?.[1];
  const candidates = [common, ...names].filter(
    (each) => each !== undefined && /[A-Za-z]/.test(each) && each !== 'localhost',
  );
  return candidates[0]?.split('.')[0] ?? host.replaceAll(':', '-');
}

function write(file: string, before: string, entry: NodeEntry): void {
  const folder = dirname(resolve(file));
  if (entry.place === 'file') {
    const tokenFile = join(folder, tokenFileOf(entry.name));
    mkdirSync(dirname(tokenFile), { recursive: true, mode: 0o700 });
    writePrivately(tokenFile, `${entry.tokenValue}\n`);
  }
  mkdirSync(folder, { recursive: true });
  writePrivately(resolve(file), withNode(before, entry));
}

// Whole or not at all, and never for a moment readable by others.
function writePrivately(file: string, text: string): void {
  const draft = `${file}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
