import { parseArgs } from 'node:util';
import { commandHelp, commonOptions, groupHelp, overallHelp } from './help.js';
import {
  CommandError,
  UsageError,
  type CliParts,
  type Command,
  type Invocation,
  type OptionValues,
} from './command.js';
import { ConfigError } from '../config/config-error.js';
import { nearest } from '../config/nearest.js';
import { packageVersion } from '../package-root.js';
import { SecretKeyError } from '../secrets.js';

export type RunParts = Omit<CliParts, 'signal'> & Partial<Pick<CliParts, 'signal'>>;

/** Runs one of the commands and yields its exit code: 0 fine, 1 failed, 2 wrong usage or configuration. It never throws for what an operator does. */
export async function runCommand(commands: readonly Command[], argv: string[], parts: RunParts): Promise<number> {
  const whole: CliParts = { ...parts, signal: parts.signal ?? new AbortController().signal };
  // A reader that has gone, as of `| head`, is no failure; nothing is left to say to it.
  for (const stream of [whole.stdout, whole.stderr]) stream.on('error', ignoreBrokenPipe);
  try {
    return await dispatch(commands, argv, whole);
  } catch (error) {
    return failed(error, whole);
  }
}

async function dispatch(commands: readonly Command[], given: string[], parts: CliParts): Promise<number> {
  const argv = commandFirst(given);
  const words = wordsBeforeOptions(argv);
  const command =
    commands.find(({ name }) => name === words.join(' ')) ?? commands.find(({ name }) => name === words[0]);
  if (command === undefined) return withoutCommand(commands, argv, words, parts);
  const { values, positionals } = parseOptions(command, argv.slice(command.name.split(' ').length));
  const print = (line: string): void => void parts.stdout.write(`${line}\n`);
  if (values['help'] === true) {
    print(commandHelp(command));
    return 0;
  }
  if (values['version'] === true) {
    print(packageVersion);
    return 0;
  }
  checkWhole(command, positionals, values);
  const configFile = typeof values['config'] === 'string' ? values['config'] : (command.configFile ?? 'config.yaml');
  const loadConfig: Invocation['loadConfig'] = async () => {
    const load = await import('../config/load.js');
    return load.loadConfig(configFile, parts.env);
  };
  const running = command.run({ parts, values, positionals, configFile, loadConfig, print });
  return command.isLongRunning === true ? running : Promise.race([running, interrupted(parts.signal)]);
}

// What a shell reports for a program that SIGINT ended.
function interrupted(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(130);
    else signal.addEventListener('abort', () => resolve(130), { once: true });
  });
}

// Many are used to `program --config FILE command`: the same as behind it.
function commandFirst(argv: string[]): string[] {
  const width = argv[0] === '--config' ? 2 : 1;
  const isBefore = argv[0]?.startsWith('--config') === true && argv.length > width;
  return isBefore ? [...argv.slice(width), ...argv.slice(0, width)] : argv;
}

// A command's name is one word or two: what stands before the first option.
function wordsBeforeOptions(argv: string[]): string[] {
  const end = argv.findIndex((word) => word.startsWith('-'));
  return argv.slice(0, end === -1 ? 2 : Math.min(end, 2));
}

function withoutCommand(commands: readonly Command[], argv: string[], words: string[], parts: CliParts): number {
  const [first] = words;
  const group = commands.filter(({ name }) => name.startsWith(`${first ?? ''} `));
  const isHelp = argv.includes('--help') || argv.includes('-h');
  if (first === undefined) return withoutWord(commands, argv, isHelp, parts);
  if (group.length === 0) {
    const near = nearest(first, [...new Set(commands.flatMap(({ name }) => [name.split(' ')[0] ?? name]))]);
    throw new UsageError(`"${first}" is not a command${near === null ? '' : `: did you mean ${near}?`}`);
  }
  if (isHelp && words.length === 1) {
    parts.stdout.write(`${groupHelp(first, group)}\n`);
    return 0;
  }
  const known = group.map(({ name }) => name.slice(first.length + 1));
  const near = words[1] === undefined ? null : nearest(words[1], known);
  if (near !== null) throw new UsageError(`"${words.join(' ')}" is not a command: did you mean ${first} ${near}?`);
  throw new UsageError(`${first} needs one of ${known.join(', ')} after it`);
}

function withoutWord(commands: readonly Command[], argv: string[], isHelp: boolean, parts: CliParts): number {
  if (isHelp || argv.length === 0) {
    (isHelp ? parts.stdout : parts.stderr).write(`${overallHelp(commands)}\n`);
    return isHelp ? 0 : 2;
  }
  if (argv[0] === '--version' || argv[0] === '-V') {
    parts.stdout.write(`${packageVersion}\n`);
    return 0;
  }
  throw new UsageError('a command is missing: proxmox-tracker COMMAND [options]');
}

function parseOptions(command: Command, args: string[]): Pick<Invocation, 'values' | 'positionals'> {
  const known = { ...command.options, ...commonOptions };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, isRepeatable: multiple = false }]) => [
      name,
      name === 'help' ? { type, multiple, short: 'h' } : { type, multiple },
    ]),
  );
  const { values, positionals, tokens } = parseArgs({
    args,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = known[token.name];
    if (option === undefined) throw unknownOption(token.rawName, Object.keys(known));
    const wantsValue = option.type === 'string';
    if (wantsValue && (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value ?? 'VALUE'}`);
    }
    if (!wantsValue && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
  }
  return { values, positionals };
}

function unknownOption(rawName: string, known: string[]): UsageError {
  const near = nearest(rawName.replace(/^-+/, ''), known);
  return new UsageError(`${rawName} is not a known option${near === null ? '' : `: did you mean --${near}?`}`);
}

function checkWhole(command: Command, positionals: string[], values: OptionValues): void {
  const operands = command.operands ?? [];
  const missing = operands[positionals.length];
  if (missing !== undefined) throw new UsageError(`${command.name} needs ${missing} after it`);
  const extra = positionals[operands.length];
  if (extra !== undefined) throw new UsageError(`${command.name} does not know what to do with "${extra}"`);
  for (const [name, option] of Object.entries(command.options ?? {})) {
    if (option.isRequired !== true || values[name] !== undefined) continue;
    throw new UsageError(`${command.name} needs --${name} ${option.value ?? ''}: ${option.help}`);
  }
}

function failed(error: unknown, parts: CliParts): number {
  const say = (sentence: string): void => void parts.stderr.write(`${sentence}\n`);
  if (error instanceof ConfigError || error instanceof SecretKeyError) {
    say(error.message);
    return 2;
  }
  if (error instanceof UsageError) {
    say(`${error.message}\nproxmox-tracker --help lists commands and options.`);
    return 2;
  }
  say(error instanceof Error ? error.message : String(error));
  // What nobody foresaw keeps its trace, where one asks for it.
  if (!(error instanceof CommandError) && error instanceof Error && parts.env['TRACKER_DEBUG'] === '1')
    say(error.stack ?? '');
  return 1;
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
}
