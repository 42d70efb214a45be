import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { createAuthority, type Issued } from '../proxmox/certificates.js';
import { runScript, type ScriptOutcome } from './shells.js';

/** What pveum's stand-in keeps. */
export interface AccessState {
  roles: Record<string, { privs: string }>;
  users: Record<string, { enable: number; expire?: number }>;
  tokens: Record<string, { value: string; privsep: number; expire?: number }>;
  acls: { path: string; type: string; ugid: string; roleid: string }[];
}

/** A folder that looks like a Proxmox VE node to relay.sh: programs of its own on PATH, certificates of its own in place of /etc/pve. */
export interface StubNode {
  folder: string;
  leaf: Issued;
  caPem: string;
  /** Runs relay.sh; `env` adds to the node's environment. */
  relay(shell: string[], args: string[], env?: Record<string, string>): Promise<ScriptOutcome>;
  state(): AccessState;
  write(state: AccessState): void;
  /** The calls of pveum since the last question, in order. */
  calls(): string[];
  /** Of those, the ones that change something. */
  changes(): string[];
  /** Every argument list of the programs that handle secrets. */
  argumentLists(): string;
  remove(): void;
}

/** Programs through which a secret could pass: each tells its arguments before it runs. */
const watched = ['curl', 'openssl', 'perl', 'sed', 'tr', 'awk', 'tail', 'timeout', 'head', 'mktemp', 'rm', 'cat'];

export async function stubNode(): Promise<StubNode> {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-relay-'));
  const at = (...path: string[]): string => join(folder, ...path);
  const authority = await createAuthority();
  const leaf = await authority.issue({ commonName: 'pve-01.example.org', dns: ['pve-01'], ip: ['10.0.0.11'] });
  for (const path of ['bin', 'pve/nodes/pve-01', 'tmp']) mkdirSync(at(path), { recursive: true });
  symlinkSync(at('pve/nodes/pve-01'), at('pve/local'));
  writeFileSync(at('pve/pve-root-ca.pem'), authority.cert);
  writeFileSync(at('pve/local/pve-ssl.pem'), leaf.cert);
  writeFileSync(at('argv'), '');
  const program = (name: string, body: string): void => {
    writeFileSync(at('bin', name), `#!/bin/sh\n${body}\n`);
    chmodSync(at('bin', name), 0o755);
  };
  program('pveum', `exec perl '${join(packageRoot, 'test/deploy/pveum.pl')}' "$@"`);
  program('pveversion', 'echo "pve-manager/${PVE_VERSION:-9.2.3}/abc (running kernel: 6.14)"');
  program('id', 'echo "${STUB_UID:-0}"');
  program('uname', 'echo pve-01.example.org');
  program('getent', 'echo "${STUB_ADDRESS:-10.0.0.11}      STREAM pve-01.example.org"');
  for (const name of watched) {
    const real = execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    program(name, `printf '%s\\n' "${name} $*" >>'${at('argv')}'\nexec ${real} "$@"`);
  }
  return {
    folder,
    leaf,
    caPem: authority.cert,
    relay: (shell, args, env = {}) =>
      runScript(shell, join(packageRoot, 'deploy/relay.sh'), args, {
        env: {
          PATH: `${at('bin')}:/usr/bin:/bin`,
          TMPDIR: at('tmp'),
          TRACKER_ETC_PVE: at('pve'),
          PVEUM_STATE: at('state.json'),
          PVEUM_CALLS: at('calls'),
          ...env,
        },
      }),
    state: () => JSON.parse(readFileSync(at('state.json'), 'utf8')) as AccessState,
    write: (state) => writeFileSync(at('state.json'), JSON.stringify(state)),
    calls: () => takeLines(at('calls')),
    changes: () => takeLines(at('calls')).filter((call) => !/^(\w+ list|user token (list|permissions))/.test(call)),
    argumentLists: () => readFileSync(at('argv'), 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function takeLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  rmSync(file);
  return lines;
}
