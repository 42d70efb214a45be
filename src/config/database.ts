import { resolve } from 'node:path';
import { ConfigError } from './config-error.js';
import type { DatabaseConfig } from './config.js';
import type { FileDatabase } from './file.js';
import { secretOf } from './files.js';

const mysqlKeys = ['host', 'port', 'user', 'password', 'password_file', 'database', 'pool_size'] as const;

/** The database that the section names, its file's path absolute; throws a ConfigError where a key is missing or belongs to the other type. */
export function databaseOf(section: FileDatabase, folder: string): DatabaseConfig {
  if (section.type === 'sqlite') {
    const stray = mysqlKeys.find((key) => section[key] !== undefined);
    if (stray !== undefined) throw strayKey(stray, 'mysql');
    const file = section.file ?? 'data/tracker.sqlite';
    return { type: 'sqlite', file: file === ':memory:' ? file : resolve(folder, file) };
  }
  if (section.file !== undefined) throw strayKey('file', 'sqlite');
  const password = { section: 'database', key: 'password', value: section.password };
  return {
    type: 'mysql',
    host: needed(section.host, 'host', 'the name or address of the database server'),
    port: section.port ?? 3306,
    user: needed(section.user, 'user', "the database user's name"),
    password: secretOf({ ...password, fileKey: 'password_file', file: section.password_file }, folder),
    database: needed(section.database, 'database', 'the name of the database'),
    poolSize: section.pool_size ?? 10,
  };
}

function needed(value: string | undefined, key: string, expects: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`database.${key} is missing, and type mysql needs it: write ${expects}`);
}

function strayKey(key: string, type: 'sqlite' | 'mysql'): ConfigError {
  return new ConfigError(`database.${key} belongs to type ${type}: set type: ${type}, or take ${key} out`);
}
