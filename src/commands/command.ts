import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';

/** What a command is given of the world outside; main.ts hands in the process's own. */
export interface CliParts {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  stdout: Writable;
  stderr: Writable;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  /** Aborted by SIGINT or SIGTERM: what runs until stopped then ends in order. */
  signal: AbortSignal;
}

/** One option of a command: parseArgs' words, and the line that --help shows. */
export interface OptionSpec {
  type: 'string' | 'boolean';
  /** The value's name in the usage line, such as FILE. */
  value?: string;
  /** The command does not run without it. */
  isRequired?: boolean;
  /** It may be given several times: its values are a list. */
  isRepeatable?: boolean;
  help: string;
}

export type OptionValues = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** What a command's run is called with. */
export interface Invocation {
  parts: CliParts;
  values: OptionValues;
  positionals: string[];
  /** The file that --config names, the command's own default without one. */
  configFile: string;
  /** Reads that file; throws a ConfigError. */
  loadConfig(): Promise<Config>;
  /** Writes one line to standard output. */
  print(line: string): void;
}

/** A command as the table lists it; run yields the exit code: 0 fine, 1 failed, 2 wrong usage or configuration. */
export interface Command {
  name: string;
  summary: string;
  /** The positionals as the usage line shows them, such as `NAME`; those in brackets may be left out. */
  operands?: string[];
  options?: Record<string, OptionSpec>;
  /** The configuration that it reads where --config names none; config.yaml by default. */
  configFile?: string;
  /** Further lines of --help. */
  notes?: string[];
  /** Ends itself in order when the signal comes; any other command is left at once. */
  isLongRunning?: boolean;
  run(invocation: Invocation): Promise<number>;
}

/** Wrong usage: exit code 2 and the sentence, with a pointer to --help. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure that the operator can mend: exit code 1 and the sentence alone. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
