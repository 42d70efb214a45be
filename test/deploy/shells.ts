import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface ScriptOutcome {
  code: number | null;
  out: string;
  err: string;
}

/** The shells of this machine that a POSIX script must run in, as the words that start one. */
export const shells: string[][] = [['/bin/dash'], ['/bin/bash', '--posix'], ['/bin/busybox', 'sh']].filter(
  ([path = '']) => existsSync(path),
);

/** Runs a script to its end in a shell, with nothing in its environment but `env`. */
export function runScript(
  shell: string[],
  script: string,
  args: string[],
  options: { env: Record<string, string>; input?: string; cwd?: string },
): Promise<ScriptOutcome> {
  const [program = '', ...first] = shell;
  const child = spawn(program, [...first, script, ...args], { env: options.env, cwd: options.cwd });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** Null where the program is installed, else the sentence for a skip; in CI a missing program is a failure. */
export function missingProgram(path: string, debianPackage: string): string | null {
  if (existsSync(path)) return null;
  const sentence = `${path} is missing: apt-get install ${debianPackage}`;
  if (process.env['CI'] === 'true') throw new Error(sentence);
  return sentence;
}
