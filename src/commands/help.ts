import type { Command, OptionSpec } from './command.js';

/** Options that every command takes. */
export const commonOptions: Record<string, OptionSpec> = {
  config: { type: 'string', value: 'FILE', help: 'the configuration (default: ./config.yaml)' },
  help: { type: 'boolean', help: 'show this' },
  version: { type: 'boolean', help: 'show the version' },
};

/** The page of `proxmox-tracker --help`. */
export function overallHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, operands = [], summary }): [string, string] => [
    [name, ...operands].join(' '),
    summary,
  ]);
  return [
    'Measures, to the second and with proof, how long every Proxmox VM and container ran.',
    '',
    'Usage: proxmox-tracker COMMAND [options]',
    '',
    'Commands:',
    ...aligned(rows),
    '',
    'Every command takes:',
    ...aligned(optionRows(commonOptions)),
    '',
    'Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.',
  ].join('\n');
}

/** The page of `proxmox-tracker COMMAND --help`. */
export function commandHelp(command: Command): string {
  const own = command.options ?? {};
  const config: OptionSpec = {
    type: 'string',
    value: 'FILE',
    help: `the configuration (default: ./${command.configFile ?? 'config.yaml'})`,
  };
  return [
    `${command.summary}.`,
    '',
    `Usage: ${usageOf(command)}`,
    ...(command.notes === undefined ? [] : ['', ...command.notes]),
    '',
    'Options:',
    ...aligned(optionRows({ ...own, ...commonOptions, config })),
  ].join('\n');
}

/** The page of a word that begins several commands, such as `user`. */
export function groupHelp(group: string, commands: readonly Command[]): string {
  return [
    `Usage: proxmox-tracker ${group} COMMAND [options]`,
    '',
    'Commands:',
    ...aligned(commands.map((command) => [[command.name, ...(command.operands ?? [])].join(' '), command.summary])),
  ].join('\n');
}

/** The one-line usage of a command. */
export function usageOf(command: Command): string {
  const options = Object.entries(command.options ?? {}).map(([name, option]) =>
    option.isRequired === true
      ? `--${word(name, option)}`
      : `[--${word(name, option)}${option.isRepeatable === true ? ' ...' : ''}]`,
  );
  return ['proxmox-tracker', command.name, ...(command.operands ?? []), ...options].join(' ');
}

function optionRows(options: Record<string, OptionSpec>): [string, string][] {
  return Object.entries(options).map(([name, option]) => [`--${word(name, option)}`, option.help]);
}

function word(name: string, option: OptionSpec): string {
  return option.value === undefined ? name : `${name} ${option.value}`;
}

function aligned(rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
