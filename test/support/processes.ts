import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export interface Ended {
  code: number | null;
  lines: string[];
  errors: string;
}

export interface StartedProcess {
  /** Resolves when this line was printed; rejects when the process ended before. */
  line(wanted: string): Promise<void>;
  /** A line on its standard input. */
  say(text: string): void;
  /** Resolves when it has ended. */
  end(): Promise<Ended>;
}

/** Runs a TypeScript file of this checkout as a process of its own; it is killed when this one ends first. */
export function startProcess(file: string, args: string[], env: NodeJS.ProcessEnv = {}): StartedProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot, file), ...args], {
    cwd: packageRoot,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      process.off('exit', kill);
      resolve({ code, lines, errors });
    });
  });
  const line = async (wanted: string): Promise<void> => {
    while (!lines.includes(wanted)) {
      const woken = new Promise<'line'>((resolve) => waiting.push(() => resolve('line')));
      if ((await Promise.race([woken, ended])) !== 'line' && !lines.includes(wanted)) {
        throw new Error(`the process ended before it said "${wanted}": ${errors}`);
      }
    }
  };
  return { line, say: (text) => void child.stdin.write(`${text}\n`), end: () => ended };
}
