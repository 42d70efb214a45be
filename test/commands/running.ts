import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from '../../src/cli.js';
import { systemClock } from '../../src/clock.js';

export interface CliOutcome {
  code: number;
  out: string;
  err: string;
}

export interface CliInput {
  /** Lines of standard input; without a terminal they are there from the start. */
  lines?: string[];
  /** Standard input is a terminal: a line is typed when the output has grown by a question. */
  isTerminal?: boolean;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** Called with everything that standard output holds so far. */
  onOut?: (soFar: string) => void;
}

/** Runs the command line as main.ts does, with streams in memory. */
export async function cli(argv: string[], input: CliInput = {}): Promise<CliOutcome> {
  const { lines = [], isTerminal = false, env = {}, signal } = input;
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let [out, err] = ['', ''];
  stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    input.onOut?.(out);
  });
  const typed = [...lines];
  stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    if (!isTerminal || !/[:?\]] $/.test(err)) return;
    const line = typed.shift();
    if (line !== undefined) setImmediate(() => stdin.write(`${line}\r`));
  });
  if (!isTerminal) stdin.end(lines.map((line) => `${line}\n`).join(''));
  const terminal = Object.assign(stdin, isTerminal ? { isTTY: true, setRawMode: () => stdin } : {});
  const parts = { stdin: terminal, stdout, stderr, env, clock: systemClock };
  const code = await run(argv, signal === undefined ? parts : { ...parts, signal });
  return { code, out, err };
}

/** A folder for the time of one suite: its path, and the path of the config.yaml that `write` puts there. */
export interface TempFolder {
  path: string;
  config: string;
  write(text: string): void;
}

/** Makes the folder before a suite's tests and removes it after them. */
export function tempFolder(): TempFolder {
  const folder: TempFolder = {
    path: '',
    config: '',
    write: (text) => writeFileSync(folder.config, text),
  };
  before(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'tracker-cli-'));
    folder.config = join(folder.path, 'config.yaml');
  });
  after(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}
