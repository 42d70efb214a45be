import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CommandError, type CliParts } from './command.js';

/** Asks the operator; from a pipe, each answer is one line of standard input and nothing is shown. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** The answer without blanks at its ends; '' for an empty line. Throws a CommandError when the input ends or is broken off. */
  ask(question: string): Promise<string>;
  /** As ask, without showing what is typed and with blanks kept. */
  askSecret(question: string): Promise<string>;
  close(): void;
}

/** Opens a conversation on standard input and standard error, so that standard output holds answers alone. */
export function openTerminal({ stdin, stderr, signal }: Pick<CliParts, 'stdin' | 'stderr' | 'signal'>): Terminal {
  const isInteractive = stdin.isTTY === true;
  let isHidden = false;
  // readline echoes what is typed to its output: while a secret is typed, the echo goes nowhere.
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!isHidden) stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: stdin, output, terminal: isInteractive, historySize: 0 });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  const arrived: string[] = [];
  let isEnded = false;
  const end = (sentence: string): void => {
    isEnded = true;
    for (const { reject } of waiting.splice(0)) reject(new CommandError(sentence));
  };
  lines.on('line', (line) => {
    const next = waiting.shift();
    if (next === undefined) arrived.push(line);
    else next.resolve(line);
  });
  lines.on('close', () => end('the input ended before every question was answered'));
  lines.on('SIGINT', () => end('stopped'));
  signal.addEventListener('abort', () => end('stopped'), { once: true });

  const nextLine = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const line = arrived.shift();
      if (line !== undefined) resolve(line);
      else if (isEnded) reject(new CommandError('the input ended before every question was answered'));
      else waiting.push({ resolve, reject });
    });

  return {
    isInteractive,
    async ask(question) {
      if (isInteractive) stderr.write(question);
      return (await nextLine()).trim();
    },
    async askSecret(question) {
      if (isInteractive) stderr.write(question);
      isHidden = true;
      try {
        return await nextLine();
      } finally {
        isHidden = false;
        if (isInteractive) stderr.write('\n');
      }
    },
    close: () => lines.close(),
  };
}
