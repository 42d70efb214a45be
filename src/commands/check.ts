import type { Finding } from '../core/finding.js';
import { CommandError, UsageError, type Command, type Invocation, type OptionValues } from './command.js';
import { withDatabase } from './with-database.js';

export const check: Command = {
  name: 'check',
  summary: 'Look for what cannot be true in the ledger, and settle it',
  options: {
    repair: { type: 'string', value: 'ID', help: 'record the correction that this finding offers' },
    accept: { type: 'string', value: 'ID', help: 'leave this finding as it is, and tell of it no more' },
    reason: { type: 'string', value: 'TEXT', help: 'why; needed with --repair and --accept, and kept for good' },
  },
  notes: [
    'Exit code 1 when it finds something. May run beside serve, which runs it daily and shows it on the page Checks.',
    'A correction is a row of its own with who, when and why: what was derived from the evidence stays on record.',
  ],
  async run(invocation) {
    const settlement = settlementOf(invocation.values);
    return withDatabase(invocation, async (db) => {
      const { runChecks, settleFinding, SettleError } = await import('../ledger/checks.js');
      const { clock } = invocation.parts;
      if (settlement !== null) {
        try {
          // The finding may be younger than the last run that was kept.
          await runChecks(db, clock.now());
          const wish = { ...settlement, actor: 'command line', address: null };
          invocation.print(`✓ ${await settleFinding(db, wish, clock.now())}`);
        } catch (error) {
          throw error instanceof SettleError ? new CommandError(error.message) : error;
        }
      }
      return printFindings(invocation, await runChecks(db, clock.now()));
    });
  },
};

function settlementOf(values: OptionValues): { key: string; action: 'repair' | 'accept'; reason: string } | null {
  const { repair, accept, reason } = values;
  if (typeof repair === 'string' && typeof accept === 'string')
    throw new UsageError('--repair and --accept do not go together: choose one');
  const key = typeof repair === 'string' ? repair : accept;
  if (typeof key !== 'string') {
    if (reason !== undefined) throw new UsageError('--reason goes with --repair or --accept');
    return null;
  }
  const action = typeof repair === 'string' ? 'repair' : 'accept';
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new UsageError(`--${action} needs --reason TEXT: say why, in a sentence that can be read in a year`);
  return { key, action, reason };
}

function printFindings({ print }: Invocation, findings: readonly Finding[]): number {
  for (const { key, sentence, repair } of findings) {
    print(`✗ ${key}: ${sentence}`);
    if (repair !== null) print(`    --repair ${key}: ${repair.sentence}`);
  }
  if (findings.length === 0) {
    print('✓ Nothing in the ledger contradicts anything else.');
    return 0;
  }
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  print(`${count}. Settle one by: proxmox-tracker check --repair ID --reason TEXT, or --accept ID --reason TEXT`);
  return 1;
}
