import { runCommand, type RunParts } from './commands/run-command.js';
import { commands } from './commands/table.js';

/** Runs one command of the program and yields its exit code: 0 fine, 1 failed, 2 wrong usage or configuration. */
export function run(argv: string[], parts: RunParts): Promise<number> {
  return runCommand(commands, argv, parts);
}
