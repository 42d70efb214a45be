import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Knex } from 'knex';

/** Beside src/ in a checkout, where they are .ts, and in a build, where they are .js. */
export const migrationsFolder: string = fileURLToPath(new URL('../../migrations', import.meta.url));

// Declarations (.d.ts) and source maps lie beside the code in a build.
const MIGRATION_FILE = /^(\d{14}_\w+)\.[jt]s$/;

/**
 * The migrations by name without extension, so that a checkout and a build mean the same ones. knexfile.ts and migrate()
 * both use it: Knex would store the extension too, and then miss half of its files.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => [...(await migrationFiles()).keys()].sort(),
  getMigrationName: (name) => name,
  getMigration: async (name) => {
    const file = (await migrationFiles()).get(name);
    if (file === undefined) throw new Error(`migration ${name} is not in this version of proxmox-tracker`);
    return (await import(pathToFileURL(join(migrationsFolder, file)).href)) as Knex.Migration;
  },
};

async function migrationFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const file of await readdir(migrationsFolder)) {
    const name = MIGRATION_FILE.exec(file)?.[1];
    if (name !== undefined) files.set(name, file);
  }
  return files;
}
