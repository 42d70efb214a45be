import { expect } from 'chai';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { listCorrections } from '../../src/ledger/queries/corrections.js';
import { seedSite } from '../web/pages/seed.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

describe('check', () => {
  const folder = tempFolder();
  let db: Database;
  const ask = (...options: string[]): Promise<CliOutcome> => cli(['check', ...options, '--config', folder.config]);

  before(async () => {
    folder.write('database: { file: t.sqlite }');
    expect(await ask()).to.deep.equal({
      code: 0,
      out: '✓ Nothing in the ledger contradicts anything else.\n',
      err: '',
    });
    db = openDatabase({ type: 'sqlite', file: `${folder.path}/t.sqlite` });
    await seedSite(db);
    // The seed lives at an instant of its own: what it left open would be found as unseen by the clock of this machine.
    const open = (await db.writer('sessions').whereNull('end_at').select('id')) as { id: number }[];
    const ids = open.map(({ id }) => id);
    await db.writer('segments').whereIn('session_id', ids).delete();
    await db.writer('sessions').whereIn('id', ids).delete();
    const { id } = (await db.writer('sessions').orderBy('id').first('id')) as { id: number };
    await db.writer('segments').where({ session_id: id }).delete();
  });
  after(() => db.close());

  it('names each finding and exits with 1', async () => {
    const { code, out } = await ask();
    expect(code).to.equal(1);
    expect(out).to.match(
      /^✗ segments-\d+: (qemu|lxc) \d+ "[\w-]+": session \d+ lasts [\d.]+ s, but .+ sum up to 0 s\.$/m,
    );
    expect(out).to.match(/^\d findings?\. Settle one by: proxmox-tracker check --repair ID --reason TEXT/m);
  });

  it('makes the correction that a finding offers, with its reason, and looks again', async () => {
    const row = (await db.reader('sessions').orderBy('id', 'desc').first()) as { id: number; end_at: number };
    await db
      .writer('sessions')
      .where({ id: row.id })
      .update({ end_latest: row.end_at - 1 });
    const key = `bounds-end-${row.id}`;
    expect((await ask()).out).to.include(`--repair ${key}: Set the end of session ${row.id} to the nearest instant`);
    const { code, out } = await ask('--repair', key, '--reason', 'a fault of an older version');
    expect(code).to.equal(1);
    expect(out)
      .to.match(/^✓ Set the end of session \d+/)
      .and.not.include(`✗ ${key}`);
    const [word] = (await listCorrections(db.reader, { page: 1, perPage: 1 })).items;
    expect(word).to.include({ reason: 'a fault of an older version', actor: 'command line' });
  });

  it('accepts what no correction settles, until nothing is left', async () => {
    const keys = [...(await ask()).out.matchAll(/^✗ (\S+):/gm)].map((match) => match[1] ?? '');
    expect(keys).not.to.deep.equal([]);
    const refused = await ask('--repair', keys[0] ?? '', '--reason', 'x');
    expect([refused.code, refused.out]).to.deep.equal([1, '']);
    expect(refused.err).to.equal(
      `no correction of "${keys[0] ?? ''}" is certain: it can only be accepted, with a reason\n`,
    );
    let code = 1;
    for (const key of keys) ({ code } = await ask('--accept', key, '--reason', 'known, and billed by hand'));
    expect(code).to.equal(0);
  });

  it('refuses to settle without a reason, and to do two things at once', async () => {
    for (const [options, sentence] of [
      [['--repair', 'x'], '--repair needs --reason TEXT: say why, in a sentence that can be read in a year'],
      [['--accept', 'x', '--reason', ' '], '--accept needs --reason TEXT: say why'],
      [['--reason', 'why'], '--reason goes with --repair or --accept'],
      [['--repair', 'x', '--accept', 'x'], '--repair and --accept do not go together: choose one'],
    ] as const) {
      const { code, err } = await ask(...options);
      expect(code).to.equal(2);
      expect(err).to.include(sentence);
    }
    const unknown = await ask('--repair', 'overlap-9-9', '--reason', 'x');
    expect([unknown.code, unknown.err]).to.deep.equal([
      1,
      'there is no finding "overlap-9-9" any more: run the check again\n',
    ]);
  });
});
