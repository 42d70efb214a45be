/** How an edge of a session is known (ledger rules 6 and 12). */
export type Evidence = 'uptime' | 'task' | 'journal' | 'rrd' | 'poll' | 'boot' | 'agent' | 'manual' | 'log_edge';

export type EndReason =
  | 'stop'
  | 'shutdown'
  | 'reboot'
  | 'suspend'
  | 'rollback'
  | 'backup'
  | 'migrate'
  | 'migrated_away'
  | 'destroy'
  | 'host'
  | 'fenced'
  | 'unlogged'
  | 'reinstalled'
  | 'removed'
  | 'manual';
