import { expect } from 'chai';
import { addUser, listAudit } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { listEntries, tokenOf } from '../../../src/ledger/stores/node-entries.js';
import { labScenario } from '../../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../../src/simulator/server.js';
import { forEachDatabase } from '../../support/databases.js';
import { entryParts } from '../../support/entry-parts.js';
import { Jar } from '../api/browser-jar.js';
import { HOUR, NOW, startLab, type Lab } from '../api/lab.js';

const PASSWORD = 'correct horse battery';
const TOKEN = '12345678-aaaa-bbbb-cccc-1234567890ab';
const PAGE = '/settings/nodes';

forEachDatabase((name, open) => {
  describe(`the page of node entries on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let anna: Jar;
    let simulator: Simulator;

    before(async () => {
      db = await open();
      const named = { name: 'named', host: '127.0.0.9', port: 1, user: 'a@pve', tokenName: 't', tokenValue: 'x' };
      const more = { agentNames: [], scope: 'node', journal: false, trust: { kind: 'unverified' } };
      lab = await startLab(db, { nodes: [{ ...named, ...more }] as never });
      simulator = await startSimulator(labScenario(NOW - HOUR), { clock: lab.clock });
      await inTransaction(db, (trx) => addUser(trx, { name: 'anna', password: PASSWORD, role: 'admin' }, NOW));
      anna = new Jar(lab);
      await anna.login('anna', PASSWORD);
      await anna.get('/account');
    });
    after(async () => {
      await lab.close();
      await simulator.close();
      await db.close();
    });

    /** Nothing listens at port 1 of the loopback. */
    const fields = (more: Record<string, string> = {}): Record<string, string> => ({
      ...{ name: 'pve-09', host: '127.0.0.1', port: '1', user: 'tracker@pve', token_name: 'tracker' },
      ...{ token_value: TOKEN, trust: 'fingerprint', fingerprint: 'ab'.repeat(32), agent_names: 'a-9, b-9' },
      ...more,
    });

    /** Does what the form does and yields what the next page says of it. */
    async function does(path: string, given: Record<string, string>): Promise<string> {
      const answer = await anna.post(path, given);
      expect(answer.status, plain(answer.text).slice(0, 2000)).to.equal(303);
      const { text } = await anna.get(answer.headers.get('location') ?? '');
      return plain(/role="status">([^<]*)</.exec(text)?.[1] ?? '');
    }

    function plain(text: string): string {
      return text.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&#x3D;', '=');
    }

    it('lists an entry of the configuration, which is changed there and not here', async () => {
      const { text } = await anna.get(PAGE);
      expect(text).to.include('127.0.0.9:1').and.include('config.yaml').and.include('Test named');
      expect(text).to.not.include('Edit named').and.not.include('Remove named');
      for (const page of ['edit', 'remove'])
        expect((await anna.get(`${PAGE}/${page}?name=named`)).status, page).to.equal(404);
      expect((await anna.post(`${PAGE}/remove`, { name: 'named' })).status).to.equal(404);
    });

    it('adds one by its fields, says that it does not answer, and never shows the token', async () => {
      expect(await does(PAGE, fields())).to.match(/^"pve-09" is added, but it does not answer: /);
      const { text } = await anna.get(PAGE);
      expect(text).to.include('tracker@pve!tracker').and.include('does not answer').and.include('database');
      expect(text).to.not.include(TOKEN);
      const [entry] = await listEntries(db.reader);
      expect(entry?.node).to.deep.include({ name: 'pve-09', scope: 'cluster', agentNames: ['a-9', 'b-9'] });
      const [told] = (await listAudit(db.reader, { page: 1, perPage: 1 })).items;
      expect(told).to.include({ action: 'entry.add', actor: 'anna', subject: 'pve-09' });
    });

    it('puts each fault beside its field, keeps what was typed, and asks for the token again', async () => {
      const wrong = { user: 'tracker', fingerprint: 'xyz', port: 'first', host: '127.0.0.5', token_name: '<b>' };
      const shape = await anna.post(PAGE, fields({ name: 'x', ...wrong }));
      expect(shape.status).to.equal(422);
      expect(shape.text).to.match(/id="port-fault">port is [^<]*write a port number from 1 to 65535/);
      const { status, text } = await anna.post(PAGE, fields({ name: 'x', ...wrong, port: '2' }));
      expect(status).to.equal(422);
      for (const field of ['user', 'token_name', 'fingerprint'])
        expect(text, field).to.match(new RegExp(`aria-describedby="${field}-fault"[^>]* /?><p class="problem small"`));
      expect(text).to.include('id="user-fault">user is &quot;tracker&quot;, which has no realm');
      expect(text).to.not.include('id="host-fault"').and.not.include('<b>').and.not.include(TOKEN);
      expect(text).to.include('value="127.0.0.5"').and.include('value="xyz"').and.include('give it once more');
      const twin = await anna.post(PAGE, fields({ name: 'NAMED', port: '3' }));
      expect([twin.status, /id="name-fault">([^<]*)/.exec(twin.text)?.[1]]).to.deep.equal([
        422,
        'name is &quot;NAMED&quot;, and there is an entry of that name already.',
      ]);
      expect(await listEntries(db.reader)).to.have.length(1);
    });

    it('keeps a stored token while host and port stay, and asks for it where they change', async () => {
      const edit = `${PAGE}/edit`;
      const page = await anna.get(`${edit}?name=pve-09`);
      expect(page.text).to.include('value="127.0.0.1"').and.include('value="a-9, b-9"').and.not.include(TOKEN);
      expect(page.text).to.match(/value="(AB:){31}AB"/);
      const elsewhere = await anna.post(edit, fields({ port: '2', token_value: '' }));
      expect(elsewhere.status).to.equal(422);
      expect(elsewhere.text).to.match(/id="token_value-fault">token_value is needed where host or port change/);
      expect(elsewhere.text).to.include('name="port" value="2"');
      const kept = { token_value: '', trust: 'unverified', node_only: '1', journal: '1', agent_names: '' };
      expect(await does(edit, fields(kept))).to.equal('"pve-09" is changed.');
      const [entry] = await listEntries(db.reader);
      expect(entry?.node).to.deep.include({
        scope: 'node',
        journal: true,
        agentNames: [],
        trust: { kind: 'unverified' },
      });
      if (entry === undefined) throw new Error('the entry is gone');
      expect(tokenOf(entry, entryParts().box)).to.equal(TOKEN);
      const again = (await anna.get(`${edit}?name=pve-09`)).text;
      expect(again).to.include('name="node_only" value="1" checked').and.include('value="unverified" selected');
      const moved = { port: '2', token_value: 'another-secret' };
      expect(await does(edit, fields(moved))).to.equal('"pve-09" is changed.');
    });

    it('tests one, and says why it fails', async () => {
      const { status, text } = await anna.post(`${PAGE}/test`, { name: 'pve-09' });
      expect(status).to.equal(200);
      expect(text).to.include('Test of “pve-09”: it fails');
      expect(text).to.match(/<li class="word-fault">127\.0\.0\.1:2 [^<]+<\/li>/);
      expect((await anna.post(`${PAGE}/test`, { name: 'none' })).status).to.equal(404);
    });

    it('removes one after a page that names what is lost', async () => {
      const page = plain((await anna.get(`${PAGE}/remove?name=pve-09`)).text);
      expect(page).to.include('The stored token of tracker@pve!tracker is forgotten here.');
      expect(await listEntries(db.reader)).to.have.length(1);
      expect(await does(`${PAGE}/remove`, { name: 'pve-09' })).to.match(/^The entry "pve-09" is gone\. /);
      expect(await listEntries(db.reader)).to.deep.equal([]);
      expect((await anna.post(`${PAGE}/remove`, { name: 'pve-09' })).status).to.equal(404);
    });

    it('takes what relay.sh prints, tests it line by line, and removes it with its cluster and its history', async () => {
      const [node] = simulator.nodes;
      const lines = [
        'nodes:',
        "  - name: 'pve-01'",
        `    host: '${node?.host ?? ''}'`,
        `    port: ${node?.port ?? 0}`,
        `    user: '${simulator.token.user}'`,
        `    token_name: '${simulator.token.tokenName}'`,
        `    token_value: '${simulator.token.value}'`,
        `    fingerprint: '${node?.fingerprint ?? ''}'`,
      ];
      expect(await does(PAGE, { entry: lines.join('\r\n') })).to.equal('"pve-01" is added, and is polled now.');
      const { text } = await anna.post(`${PAGE}/test`, { name: 'pve-01' });
      expect(text).to.include('Test of “pve-01”: it works').and.include('<li>VM.Audit on / ✓</li>');
      expect(text).to.include('pve-01, pve-02, pve-03');
      const removal = await anna.get(`${PAGE}/remove?name=pve-01`);
      expect(removal.text).to.include('pve-01, pve-02, pve-03 are tracked no more').and.include('name="purge"');
      expect(await does(`${PAGE}/remove`, { name: 'pve-01', purge: '1' })).to.match(
        /^The entry "pve-01" is gone\. Tracked no more: pve-01, pve-02, pve-03\. Sessions deleted: \d+\.$/,
      );
    });

    it('shows a pasted entry that cannot be read without its token, and one that cannot work as fields', async () => {
      const unread = await anna.post(PAGE, { entry: `nodes:\n  - name: [x\n    token_value: ${TOKEN}\n` });
      expect(unread.status).to.equal(422);
      expect(unread.text).to.include('The entry cannot be read: ').and.include('- name: [x').and.not.include(TOKEN);
      const entry = `name: y\nhost: 127.0.0.1\nuser: tracker\ntoken_name: t\ntoken_value: ${TOKEN}\nverify_ssl: false\n`;
      const faulty = await anna.post(PAGE, { entry });
      expect(faulty.status).to.equal(422);
      expect(faulty.text).to.include('<details open>').and.include('id="user-fault"').and.not.include(TOKEN);
      expect(faulty.text).to.include('value="unverified" selected');
      const unknown = plain((await anna.post(PAGE, { entry: `${entry}hosts: z\n` })).text);
      expect(unknown).to.include('<li>hosts is not a known key: did you mean host?</li>').and.not.include(TOKEN);
      for (const hidden of [
        `>-\n      ${TOKEN}\n`,
        `\n      ${TOKEN}\n`,
        `"x\\\n  ${TOKEN}"`,
        `|\n\n      ${TOKEN}\n`,
      ]) {
        const below = await anna.post(PAGE, { entry: `nodes:\n  - name: [x\n    token_value: ${hidden}` });
        expect([below.status, below.text.includes(TOKEN)], hidden).to.deep.equal([422, false]);
        expect(below.text).to.include('- name: [x');
      }
      const misplaced = await anna.post(PAGE, { entry: `nodes: [{ "name": [, "token_value": "${TOKEN}"` });
      expect(misplaced.text).to.not.include(TOKEN);
      expect(await listEntries(db.reader)).to.deep.equal([]);
    });
  });
});
