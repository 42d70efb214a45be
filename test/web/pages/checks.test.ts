import { expect } from 'chai';
import { listAudit } from '../../../src/ledger/access.js';
import { openSite, siteUser, siteViewer, type Site } from './site.js';
import { seedFindings } from './seed-findings.js';
import { seedSite } from './seed.js';
import { Visitor } from './visitor.js';

interface Answer {
  checks: { id: string; kind: string; message: string; repair: { time: string; edge: string } | null }[];
  total: number;
  checked_at: string | null;
}

describe('the checks page', () => {
  let site: Site;
  let admin: Visitor;
  let keys: { overlap: string; conflict: string };

  before(async () => {
    site = await openSite({
      fill: async (db) => {
        await seedSite(db);
        keys = await seedFindings(db);
      },
    });
    admin = new Visitor(site.url);
    await admin.logIn(siteUser);
  });
  after(() => site.close());

  const answer = async (): Promise<Answer> => JSON.parse((await admin.get('/api/checks')).text) as Answer;
  const settle = (fields: Record<string, string>): ReturnType<Visitor['post']> => admin.post('/checks/settle', fields);

  it('says that nothing was checked yet', async () => {
    expect((await admin.get('/checks')).text).to.contain('the first run is still to come');
    expect(await answer()).to.deep.equal({ checks: [], total: 0, checked_at: null });
  });

  it('checks on wish, counts the findings in the header, and shows each with what would settle it', async () => {
    const ran = await admin.post('/checks/run', {});
    expect([ran.status, ran.location]).to.deep.equal([303, '/checks']);
    const { text } = await admin.get('/checks');
    expect(text).to.contain('Checked: 2 findings.').and.contain('2 findings, checked 0 s ago');
    expect(text).to.match(/>Checks <span class="nav-count">2<span class="unseen-text"> findings<\/span><\/span><\/a>/);
    expect(text).to.contain('Counted twice').and.contain('Evidence contradicts').and.contain('task UPID:&lt;x&gt;');
    expect(text).to.match(/value="repair">End session \d+ where session \d+ begins/);
    expect((await admin.get('/nodes')).text).to.contain('nav-count');
  });

  it('answers the same to programs', async () => {
    const { checks, total, checked_at: checkedAt } = await answer();
    expect([total, checkedAt]).to.deep.equal([2, '2026-11-24T09:07:42.000Z']);
    expect(checks.map(({ id, kind }) => [id, kind])).to.deep.equal([
      [keys.overlap, 'overlap'],
      [keys.conflict, 'evidence_conflict'],
    ]);
    expect(checks[0]?.repair).to.include({ edge: 'end' });
    expect(checks[0]?.repair?.time).to.match(/^2026-10-\d\dT.*Z$|^2026-11-\d\dT.*Z$/);
    expect(checks[1]?.repair).to.equal(null);
    expect((await fetch(`${site.url}/api/checks`)).status).to.equal(401);
  });

  it('changes nothing without a reason, or for a finding that is gone', async () => {
    const before = await answer();
    expect((await settle({ key: keys.overlap, action: 'repair', reason: ' ' })).location).to.equal('/checks');
    expect((await admin.get('/checks')).text).to.contain('Nothing was changed: a reason is needed');
    await settle({ key: 'overlap-0-0', action: 'accept', reason: 'x' });
    expect((await admin.get('/checks')).text).to.contain('there is no finding &quot;overlap-0-0&quot; any more');
    expect((await settle({ key: keys.overlap, action: 'drop', reason: 'x' })).status).to.equal(422);
    expect(await answer()).to.deep.equal(before);
  });

  it('lets a viewer look and not touch', async () => {
    const viewer = new Visitor(site.url);
    await viewer.logIn(siteViewer);
    const { text } = await viewer.get('/checks');
    expect(text).to.contain('An administrator can: End session').and.not.contain('/checks/settle');
    for (const path of ['/checks/run', '/checks/settle']) {
      expect((await viewer.post(path, { key: keys.overlap, action: 'repair', reason: 'x' })).status, path).to.equal(
        403,
      );
    }
  });

  it('records a correction and an acceptance with who and why, and shows both for good', async () => {
    await settle({ key: keys.overlap, action: 'repair', reason: 'seen in <our> own log' });
    await settle({ key: keys.conflict, action: 'accept', reason: 'the clock was set that day' });
    const { text } = await admin.get('/checks');
    expect(text).to.contain('Nothing waits for you').and.not.contain('nav-count');
    expect(text).to.contain('seen in &lt;our&gt; own log').and.contain('the clock was set that day');
    expect(text).to.contain('Accepted: qemu 107');
    const id = keys.overlap.split('-')[1] ?? '';
    const session = (await admin.get(`/api/sessions/${id}`)).text;
    expect(JSON.parse(session)).to.include({ end_evidence: 'manual' });
    const { items } = await listAudit(site.db.reader, { page: 1, perPage: 10 });
    const settled = items.filter(({ action }) => action.startsWith('check.'));
    expect(settled.map(({ action, actor }) => [action, actor])).to.deep.equal([
      ['check.accept', 'admin'],
      ['check.repair', 'admin'],
    ]);
    await admin.post('/checks/run', {});
    expect((await answer()).total).to.equal(0);
  });
});
