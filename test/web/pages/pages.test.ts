import { expect } from 'chai';
import { openSite, siteUser, siteViewer, type Site } from './site.js';
import { seedSite } from './seed.js';
import { Visitor } from './visitor.js';
import { pagePaths } from './page-paths.js';

describe('pages', () => {
  let site: Site;
  let admin: Visitor;
  before(async () => {
    site = await openSite({ fill: seedSite });
    admin = new Visitor(site.url);
    await admin.logIn(siteUser);
  });
  after(() => site.close());

  it('lead nobody to the login', async () => {
    for (const path of pagePaths) {
      const answer = await new Visitor(site.url).get(path);
      expect([answer.status, answer.location]).to.deep.equal([303, '/login']);
    }
  });

  it('bear the product in their title, a token for forms, and no script or style of their own', async () => {
    for (const path of [...pagePaths, '/nothing']) {
      const { text } = await admin.get(path);
      expect(text, path).to.match(/<title>[^<]+Proxmox VM Tracker<\/title>/);
      expect(text, path).to.match(/<meta name="csrf-token" content="[\w-]{32,}"/);
      expect(text, path).not.to.match(/\sstyle=|<style|<script(?! type="module" src="\/app.js\?v=)/);
    }
    expect((await new Visitor(site.url).get('/login')).text).to.match(/<title>[^<]*Proxmox VM Tracker/);
  });

  it('show a wrong password in the form with 401 and keep the name', async () => {
    const visitor = new Visitor(site.url);
    await visitor.get('/login');
    const answer = await visitor.post('/login', { username: 'ad"min', password: 'wrong wrong wrong' });
    expect(answer.status).to.equal(401);
    expect(answer.text).to.contain('role="alert"').and.contain('value="ad&quot;min"');
    expect(answer.text).not.to.contain('wrong wrong wrong');
  });

  it('refuse a form without the token of its page', async () => {
    for (const path of ['/force-sync', '/theme', '/logout', '/login']) {
      const answer = await admin.post(path, { theme: 'dark' }, 'x'.repeat(40));
      expect(answer.status, path).to.equal(403);
      expect(answer.text).to.contain('<title>');
    }
  });

  it('sum up the month with how far it can be off', async () => {
    const { text } = await admin.get('/');
    expect(text).to.contain('Running time in November').and.contain('over 363 sessions');
    expect(text).to.match(/>4 <span class="u">of 6 online/);
    expect(text).to.contain('connection refused · 4 guests kept running');
  });

  it('keep filters, order and page in the address', async () => {
    const { text } = await admin.get('/guests?q=student&state=running&sort=name');
    expect(text).to.contain('value="student"').and.contain('<option value="running" selected>');
    expect(text).to.contain('aria-sort="ascending"').and.contain('sort&#x3D;name&amp;order&#x3D;desc');
    expect(text).not.to.contain('web-01');
    const second = await admin.get('/sessions?page=2');
    expect(second.text).to.contain('51–100 of').and.contain('href="/sessions"').and.contain('page&#x3D;3');
  });

  it('take the last day of a filter as a whole day of the billing time zone', async () => {
    const { text } = await admin.get('/sessions?vmid=107&from=2026-11-20&to=2026-11-20');
    expect(text).to.contain('1 session, newest first').and.contain('20 Nov 01:');
  });

  it('answer a filter that cannot be with 422 and one sentence', async () => {
    for (const query of [
      'page=0',
      'page=x',
      'state=odd',
      'from=2026-02-30',
      'from=2026-11-02&to=2026-11-01',
      'vmid=-1',
    ]) {
      const answer = await admin.get(`/sessions?${query}`);
      expect([query, answer.status]).to.deep.equal([query, 422]);
    }
    expect((await admin.get(`/guests?q=${'a'.repeat(256)}`)).status).to.equal(422);
  });

  it('say that a guest does not exist', async () => {
    for (const id of ['999', '0', 'x', '1e3', '99999999999999999999']) {
      const answer = await admin.get(`/guests/${id}`);
      expect([id, answer.status]).to.deep.equal([id, 404]);
    }
  });

  it('tell of a guest’s months how far they can be off and how much of them was not seen', async () => {
    const page = async (vmid: number): Promise<string> => {
      const { id } = (await site.db.reader('guests').where({ vmid }).first('id')) as { id: number };
      return (await admin.get(`/guests/${id}`)).text;
    };
    // 24 sessions, each of which can be off by 1,520 ms; and a node that was not seen for 96 minutes and again now.
    expect(await page(107)).to.contain('± 37 s · 24 sessions · nothing unseen');
    expect(await page(117)).to.contain('± 0 s · 1 session · 1 h 39 m 20 s not seen');
    const { id: nodeId, cluster_id: clusterId } = (await site.db
      .reader('nodes')
      .where({ name: 'pve-04' })
      .first('id', 'cluster_id')) as { id: number; cluster_id: number };
    const startedAt = Date.UTC(2026, 9, 20);
    const gap = { cluster_id: clusterId, node_id: nodeId, reason: 'unreachable', is_proven: 0, open_node_id: null };
    await site.db.writer('gaps').insert({ ...gap, started_at: startedAt, ended_at: startedAt + 3_600_000 });
    expect(await page(117)).to.match(/October<\/dt>[^]*1 h 00 m 00 s not seen/);
  });

  it('call a guest that only tasks told of by its kind and VMID, and say that it is gone', async () => {
    const guests = site.db.writer('guests').where({ vmid: 107 });
    const before = (await guests.clone().first('id', 'name')) as { id: number; name: string };
    await guests.clone().update({ name: null });
    expect((await admin.get('/sessions?vmid=107')).text).to.contain('qemu 107</a>');
    await guests.clone().update({ destroyed_at: Date.UTC(2026, 10, 24, 8) });
    expect((await admin.get('/sessions?vmid=107')).text).to.contain('qemu 107 (gone)</a>');
    expect((await admin.get(`/guests/${before.id}`)).text).to.contain('<title>qemu 107 (gone) ·');
    await guests.clone().update({ name: before.name, destroyed_at: null });
  });

  it('escape what comes from outside', async () => {
    await site.db.writer('guests').where({ vmid: 211 }).update({ name: '<b>"x"</b>' });
    const { text } = await admin.get('/guests?q=211');
    expect(text).to.contain('&lt;b&gt;&quot;x&quot;&lt;/b&gt;').and.not.contain('<b>');
  });

  it('sync without a script, lead back, and tell once what was found', async () => {
    const answer = await admin.post('/force-sync', { back: '/guests?state=running' });
    expect([answer.status, answer.location]).to.deep.equal([303, '/guests?state=running']);
    const sentence = 'Synced: 3 nodes, 26 guests, 1 change, pve-04 not seen: connection refused';
    expect((await admin.get('/guests')).text).to.contain(sentence);
    expect((await admin.get('/guests')).text).not.to.contain(sentence);
  });

  it('never lead back to another site', async () => {
    for (const back of ['https://example.org/', '//example.org/x', '/\\example.org', 'javascript:alert(1)', '']) {
      const answer = await admin.post('/force-sync', { back });
      expect([back, answer.location]).to.deep.equal([back, '/']);
    }
  });

  it('keep the theme that was chosen and forget it on wish', async () => {
    expect((await admin.post('/theme', { theme: 'dark', back: '/gaps' })).location).to.equal('/gaps');
    expect((await admin.get('/gaps')).text).to.contain('<html lang="en" data-theme="dark">');
    await admin.post('/theme', { theme: 'system' });
    expect((await admin.get('/gaps')).text).to.contain('<html lang="en">');
    expect((await admin.post('/theme', { theme: 'pink' })).status).to.equal(422);
  });

  it('offer a viewer no sync, and refuse it', async () => {
    const viewer = new Visitor(site.url);
    await viewer.logIn(siteViewer);
    expect((await viewer.get('/')).text).not.to.contain('/force-sync');
    expect((await viewer.post('/force-sync', {})).status).to.equal(403);
  });

  it('end a login at once', async () => {
    const visitor = new Visitor(site.url);
    await visitor.logIn(siteUser);
    expect((await visitor.get('/login')).location).to.equal('/');
    expect((await visitor.post('/logout', {})).location).to.equal('/login');
    expect((await visitor.get('/')).status).to.equal(303);
  });
});

describe('the first minutes', () => {
  let site: Site;
  before(async () => {
    site = await openSite({ users: false });
  });
  after(() => site.close());

  it('make the first user by the link, once, and then say what to do next', async () => {
    const visitor = new Visitor(site.url);
    expect((await visitor.get('/login')).text).to.contain('No user yet');
    const link = await site.setupLink();
    expect((await visitor.get(link)).text).to.contain('The first user');
    const form = { username: 'admin', password: siteUser.password };
    expect((await visitor.post(link, { ...form, repeat: 'another password' })).text).to.contain(
      'The two passwords differ',
    );
    const short = await visitor.post(link, { username: 'admin', password: 'short', repeat: 'short' });
    expect([short.status, short.text.includes('role="alert"')]).to.deep.equal([422, true]);
    expect((await visitor.post(link, { ...form, repeat: form.password })).location).to.equal('/');
    const { text } = await visitor.get('/');
    expect(text).to.contain('pveum user token add').and.contain('nodes:').and.contain('proxmox-tracker test');
    expect(text).to.contain('sh relay.sh').and.contain('relay.sh --register').and.contain('href="/settings/nodes"');
    expect(text).not.to.contain('<table>');
    expect((await new Visitor(site.url).get(link)).status).to.equal(404);
  });
});
