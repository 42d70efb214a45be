import { parseArgs } from 'node:util';

/** What one run of the bench is of. */
export interface AccuracyOptions {
  worlds: number;
  /** Simulated days of each world. */
  days: number;
  seed: number;
  /** How many of the sessions that carry most of the error are listed. */
  worst: number;
  isWritten: boolean;
}

/** The command line; throws a sentence that says what is wrong with it. */
export function readOptions(args: readonly string[]): AccuracyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      worlds: { type: 'string', default: '12' },
      days: { type: 'string', default: '2.5' },
      seed: { type: 'string', default: '1' },
      worst: { type: 'string', default: '0' },
      write: { type: 'boolean', default: false },
    },
  });
  return {
    worlds: wholeNumber('worlds', values.worlds, 1),
    days: numberAbove0('days', values.days),
    seed: wholeNumber('seed', values.seed, 0),
    worst: wholeNumber('worst', values.worst, 0),
    isWritten: values.write,
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: give a whole number from ${least} on`);
}

function numberAbove0(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} ${text}: give a number above 0, such as 2.5`);
}
