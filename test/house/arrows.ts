import type { Import } from './sources.js';

/** What each folder may import besides itself and the leaves (docs/architecture.md, "The tree"). */
const arrows: Record<string, readonly string[]> = {
  core: [],
  config: [],
  certificates: [],
  proxmox: ['core'],
  ledger: ['core'],
  collect: ['proxmox', 'ledger', 'core'],
  billing: ['proxmox', 'ledger', 'core'],
  web: ['ledger', 'core'],
  agent: ['proxmox', 'ledger', 'core'],
  simulator: ['core', 'certificates'],
};

/** Those that put the house together may import every folder. */
const roots = [
  'src/main.ts',
  'src/agent-main.ts',
  'src/cli.ts',
  'src/app.ts',
  'src/daily.ts',
  'src/under-way.ts',
  'src/demo.ts',
  'src/commands/',
];
/** Who may import which of them: main starts cli, which starts commands, which start app; agent-main starts the agent's command alone. */
const rootArrows: Record<string, readonly string[]> = {
  'src/main.ts': [],
  'src/agent-main.ts': [],
  'src/cli.ts': ['src/main.ts'],
  'src/commands/': ['src/main.ts', 'src/agent-main.ts', 'src/cli.ts', 'src/commands/'],
  'src/demo.ts': ['src/commands/'],
  'src/app.ts': ['src/commands/', 'src/demo.ts'],
  'src/daily.ts': ['src/app.ts'],
  'src/under-way.ts': ['src/app.ts'],
};
const leaves = ['src/clock.ts', 'src/log.ts', 'src/notify.ts', 'src/secrets.ts', 'src/config/'];

/** Packages and their home: a folder, or a file. */
const homes: Record<string, readonly string[]> = {
  knex: ['src/ledger/', 'knexfile.ts', 'migrations/'],
  mysql2: ['src/ledger/'],
  '@photostructure/sqlite': ['src/ledger/'],
  koa: ['src/web/'],
  '@koa/router': ['src/web/'],
  '@koa/bodyparser': ['src/web/'],
  '@koa/send': ['src/web/'],
  'koa-compress': ['src/web/'],
  'koa-helmet': ['src/web/'],
  handlebars: ['src/web/'],
  uqr: ['src/web/charts/qr-code.ts'],
  'prom-client': ['src/web/'],
  'node-cron': ['src/collect/schedule.ts'],
  got: ['src/proxmox/', 'src/agent/', 'src/billing/'],
  ajv: ['src/config/', 'src/proxmox/', 'src/web/validate.ts'],
  'ajv-formats': ['src/config/', 'src/proxmox/', 'src/web/validate.ts'],
  winston: ['src/log.ts'],
  yaml: ['src/config/'],
  '@peculiar/x509': ['src/certificates/', 'src/simulator/'],
  luxon: ['src/core/calendar.ts'],
  'big.js': ['src/core/money.ts'],
  // Migrations are found by looking into their folder.
  '(computed)': ['src/ledger/migration-source.ts'],
};

/** What is wrong with an import, as a sentence, or null where it follows the rules. */
export function faultOf(each: Import): string | null {
  return each.isOurs ? faultOfOurs(each) : faultOfPackage(each);
}

function faultOfPackage({ from, to }: Import): string | null {
  if (to.startsWith('node:')) {
    if (from.startsWith('src/core/')) return `${from} imports ${to}: core is pure`;
    return to === 'node:sqlite' && !from.startsWith('src/ledger/')
      ? `${from} imports ${to}: its home is src/ledger/`
      : null;
  }
  const home = Object.hasOwn(homes, to) ? homes[to] : undefined;
  if (home === undefined) return `${from} imports ${to}, which has no home`;
  return home.some((place) => from.startsWith(place)) ? null : `${from} imports ${to}: its home is ${home.join(', ')}`;
}

function faultOfOurs({ from, to, isTypeOnly }: Import): string | null {
  if (from === 'knexfile.ts') return null;
  if (from.startsWith('migrations/')) return `${from} imports ${to}: a migration imports nothing of src`;
  const root = Object.keys(rootArrows).find((place) => to.startsWith(place));
  if (root !== undefined) {
    return rootArrows[root]?.some((place) => from.startsWith(place)) === true
      ? null
      : `${from} imports ${to}: arrows point right`;
  }
  if (roots.some((place) => from.startsWith(place))) return null;
  return faultWithin({ from, to, isTypeOnly });
}

function faultWithin({ from, to, isTypeOnly }: Omit<Import, 'isOurs'>): string | null {
  const [folder, target] = [folderOf(from), folderOf(to)];
  if (folder === target && folder !== null) return null;
  if (folder === 'core') return `${from} imports ${to}: core imports only core`;
  if (to === 'src/package-root.ts') return null;
  if (leaves.some((leaf) => to.startsWith(leaf))) {
    return isTypeOnly ? null : `${from} imports values of ${to}: app.ts hands them in`;
  }
  if (folder === null) return `${from} imports ${to}: a leaf imports no folder`;
  if (target === null || arrows[folder]?.includes(target) !== true) return `${from} imports ${to}: arrows point right`;
  return folder === 'simulator' && target === 'core' && !isTypeOnly
    ? `${from} imports values of ${to}: the simulator shares only types`
    : null;
}

// src/core/span.ts is in core; src/clock.ts is in no folder.
function folderOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}
