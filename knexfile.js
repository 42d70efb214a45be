// Plain `npx knex` finds this file before knexfile.ts, and Node cannot read that one by itself.
let register;
try {
  ({ register } = await import('tsx/esm/api'));
} catch {
  throw new Error('the knex command needs the development packages: run "npm ci", or use "proxmox-tracker migrate"');
}
register();
export default (await import('./knexfile.ts')).default;
