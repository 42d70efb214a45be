import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json, views/ and public/: the same from a checkout and from dist/. */
export const packageRoot: string = rootAbove(dirname(fileURLToPath(import.meta.url)));

/** The package's own version, as in package.json. */
export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('package.json of proxmox-tracker was not found above its own files');
  return rootAbove(parent);
}
