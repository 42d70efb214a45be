import type { PveVersion } from './scenario.js';

/** What each simulated release says of itself. */
export const releases: Readonly<
  Record<PveVersion, { version: string; release: string; repoid: string; kernel: string }>
> = {
  '7.4': { version: '7.4-16', release: '7.4', repoid: '0f39f621', kernel: '5.15.108-1-pve' },
  '8.4': { version: '8.4.5', release: '8.4', repoid: '57892e8e686cb35b', kernel: '6.8.12-10-pve' },
  '9.2': { version: '9.2.3', release: '9.2', repoid: '5c2a8a0f9d2e41b7', kernel: '6.17.4-1-pve' },
};
