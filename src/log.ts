import winston from 'winston';

/** The slice of a logger that the house uses; never hand it a secret. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export interface LogOptions {
  level: 'error' | 'warn' | 'info' | 'debug';
  format: 'text' | 'json';
  /** A file to append to beside standard error; empty: none. */
  file: string;
}

/** A winston logger: one line per event on standard error, and in `file` where one is named. */
export function createLog(options: LogOptions): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp: at, level, message, ...fields }) => {
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
    return `${String(at)} ${level.padEnd(5)} ${oneLine(String(message))}${rest.join('')}`;
  });
  return winston.createLogger({
    level: options.level,
    format: combine(timestamp(), options.format === 'json' ? json() : text),
    transports: [
      new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] }),
      ...(options.file === '' ? [] : [new winston.transports.File({ filename: options.file })]),
    ],
  });
}

/** Names of guests stand in messages: a line end in one must not begin a line of its own, nor steer a terminal. */
function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\u2028\u2029]/gu, (sign) =>
    JSON.stringify(sign)
      .slice(1, -1)
      .replace(/^[\u007f-\u2029]$/, ' '),
  );
}

/** A logger that says nothing, for commands that print their own answers and for tests. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
