import { expect } from 'chai';
import { addUser, listAudit } from '../../../src/ledger/access.js';
import { codeAt, stepOf } from '../../../src/ledger/access/totp.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { qrCode } from '../../../src/web/charts/qr-code.js';
import { forEachDatabase } from '../../support/databases.js';
import { Jar } from '../api/browser-jar.js';
import { HOUR, NOW, plainBox, startLab, type Lab } from '../api/lab.js';

const PASSWORD = 'correct horse battery';
const STEP_MS = 30_000;

function bytesOfBase32(text: string): Buffer {
  const bits = [...text]
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

forEachDatabase((name, open) => {
  describe(`the second factor on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let anna: Jar;
    let annaId = 0;
    let secret: Buffer;
    let recovery: string[] = [];

    before(async () => {
      db = await open();
      lab = await startLab(db);
      annaId = await inTransaction(db, async (trx) => {
        await addUser(trx, { name: 'root', password: PASSWORD, role: 'admin' }, NOW);
        return (await addUser(trx, { name: 'anna', password: PASSWORD, role: 'viewer' }, NOW)).id;
      });
      anna = new Jar(lab);
      await anna.login('anna', PASSWORD);
      await anna.get('/account');
    });
    after(async () => {
      await lab.close();
      await db.close();
    });
    // So that no failure locks a later login out, and no step is the last one's.
    beforeEach(() => (lab.clock.at += HOUR));

    const code = (steps = 0): string => codeAt(secret, stepOf(lab.clock.at) + steps);

    async function login(typed: string, jar = new Jar(lab)): Promise<number> {
      await jar.get('/login');
      return (await jar.post('/login', { username: 'anna', password: PASSWORD, code: typed })).status;
    }

    /** Begins anna's factor and yields the secret that the page shows. */
    async function begun(): Promise<Buffer> {
      await anna.post('/account/factor', { password: PASSWORD });
      const { text } = await anna.get('/account');
      return bytesOfBase32(/aria-label="The secret">([A-Z2-7 ]+)</.exec(text)?.[1]?.replaceAll(' ', '') ?? '');
    }

    async function audit(): Promise<string> {
      return JSON.stringify((await listAudit(db.reader, { page: 1, perPage: 100 })).items);
    }

    it('is begun by the password, and anew by it; its secret waits fifteen minutes for the first code', async () => {
      const refused = await anna.post('/account/factor', { password: 'wrong' });
      expect([refused.status, refused.text.includes('aria-label="The secret"')]).to.deep.equal([401, false]);
      const shown = async (): Promise<string> =>
        /aria-label="The secret">([A-Z2-7 ]+)</.exec((await anna.get('/account')).text)?.[1] ?? '';
      await anna.post('/account/factor', { password: PASSWORD });
      const first = await shown();
      expect((await anna.get('/account')).text).to.include('Begin anew');
      await anna.post('/account/factor', { password: PASSWORD });
      const second = await shown();
      expect([first.length, second.length, first === second]).to.deep.equal([39, 39, false]);
      secret = bytesOfBase32(second.replaceAll(' ', ''));
      lab.clock.at += 15 * 60_000;
      expect(await shown()).to.equal('');
      expect((await anna.post('/account/factor/confirm', { code: code() })).status).to.equal(422);
    });

    it('is set up by a QR code and a secret, and asks for nothing until a code has confirmed it', async () => {
      await anna.post('/account/factor', { password: PASSWORD });
      const { text } = await anna.get('/account');
      const typed = /aria-label="The secret">([A-Z2-7 ]+)</.exec(text)?.[1]?.replaceAll(' ', '') ?? '';
      secret = bytesOfBase32(typed);
      expect(secret).to.have.length(20);
      const uri = `otpauth://totp/Proxmox%20VM%20Tracker:anna?secret=${typed}&issuer=Proxmox%20VM%20Tracker`;
      expect(text).to.include(`d="${qrCode(uri).path}"`);
      expect(await login('')).to.equal(303);
      const wrong = await anna.post('/account/factor/confirm', { code: code(2) });
      expect(wrong.status).to.equal(422);
      expect(wrong.text).to.include('That is not the code of this moment');
    });

    it('is on with the first code, and shows ten recovery codes once', async () => {
      secret = await begun();
      const { status, text } = await anna.post('/account/factor/confirm', { code: code() });
      expect(status).to.equal(200);
      recovery = text.match(/\b([a-z2-7]{4}-){3}[a-z2-7]{4}\b/g) ?? [];
      expect(new Set(recovery).size).to.equal(10);
      const again = await anna.get('/account');
      expect(again.text).to.include('10 recovery codes left').and.not.include(recovery[0]);
      expect((await anna.post('/account/factor/confirm', { code: code() })).status).to.equal(422);
    });

    it('keeps neither secret nor codes where a thief of the database or a reader of the audit log finds them', async () => {
      const rows = [await db.reader('second_factors').select('*'), await db.reader('recovery_codes').select('*')];
      const stored = JSON.stringify(rows) + (await audit());
      expect(stored).not.to.include(secret.toString('base64'));
      for (const each of recovery) expect(stored).not.to.include(each).and.not.include(each.replaceAll('-', ''));
      const [row] = (await db.reader('second_factors').select('sealed_secret')) as { sealed_secret: string }[];
      const context = `second_factors.sealed_secret of user ${annaId}`;
      expect(plainBox.open(row?.sealed_secret ?? '', context)).to.equal(secret.toString('base64'));
      expect(await audit()).to.include('"factor.on"');
    });

    it('lets nobody in without the code, and tells no guesser which of the three was wrong', async () => {
      const answers: string[] = [];
      for (const [password, typed] of [
        [PASSWORD, ''],
        [PASSWORD, code(5)],
        ['wrong wrong wrong', code()],
      ] as const) {
        const jar = new Jar(lab);
        await jar.get('/login');
        const answer = await jar.post('/login', { username: 'anna', password, code: typed });
        expect(answer.status).to.equal(401);
        answers.push(/role="alert">([^<]+)</.exec(answer.text)?.[1] ?? '');
      }
      expect(new Set(answers)).to.deep.equal(new Set(['The user name, the password or the code is wrong.']));
      expect(await login(code())).to.equal(303);
    });

    it('takes a code once, also when it is sent twice at once, and none that is older', async () => {
      const once = code();
      const both = await Promise.all([login(once), login(once)]);
      expect(both.sort()).to.deep.equal([303, 401]);
      expect(await login(code(-1))).to.equal(401);
      lab.clock.at += STEP_MS;
      expect(await login(`${code().slice(0, 3)} ${code().slice(3)}`)).to.equal(303);
    });

    it('allows for a clock that is a step off, and no more', async () => {
      expect(await login(code(-1))).to.equal(303);
      expect(await login(code(1))).to.equal(303);
      lab.clock.at += HOUR;
      expect([await login(code(-2)), await login(code(2))]).to.deep.equal([401, 401]);
    });

    it('counts wrong codes towards the lock', async () => {
      const statuses: number[] = [];
      for (let k = 0; k < 6; k++) statuses.push(await login('000000'));
      expect(statuses).to.deep.equal([401, 401, 401, 401, 401, 429]);
      expect(await login(code())).to.equal(429);
    });

    it('gives way to a recovery code, once each, however it is typed', async () => {
      const [first = '', second = ''] = recovery;
      expect(await login(first)).to.equal(303);
      expect(await login(first)).to.equal(401);
      expect(await login(` ${second.toUpperCase().replaceAll('-', ' ')}`)).to.equal(303);
      expect((await anna.get('/account')).text).to.include('8 recovery codes left');
      expect(await audit()).to.include('"factor.recovery"');
    });

    it('takes a code for wrong where its secret cannot be opened, and says so in the log', async () => {
      const [row] = (await db.reader('second_factors').select('sealed_secret')) as { sealed_secret: string }[];
      await db.writer('second_factors').update({ sealed_secret: plainBox.seal('x', 'elsewhere') });
      lab.lines.length = 0;
      expect(await login(code())).to.equal(401);
      expect(lab.lines.map(({ message }) => message)).to.include('the code of a second factor could not be judged');
      expect(await login(recovery[2] ?? '')).to.equal(303);
      await db.writer('second_factors').update({ sealed_secret: row?.sealed_secret });
      expect(await login(code())).to.equal(303);
    });

    it('can be turned off by the password alone, and then asks for nothing', async () => {
      expect((await anna.post('/account/factor', { password: PASSWORD })).status).to.equal(303);
      expect((await anna.get('/account')).text).to.include('is on already');
      expect((await anna.post('/account/factor/off', { password: 'wrong' })).status).to.equal(401);
      expect(await login('')).to.equal(401);
      expect((await anna.post('/account/factor/off', { password: PASSWORD })).status).to.equal(303);
      expect(await login('')).to.equal(303);
      expect(await db.reader('recovery_codes').select('id')).to.deep.equal([]);
    });

    it('can be turned off by an admin for somebody who lost it', async () => {
      const root = new Jar(lab);
      await root.login('root', PASSWORD);
      await root.get('/settings/users');
      const path = `/settings/users/${annaId}/factor-off`;
      await root.post(path, {});
      expect((await root.get('/settings/users')).text).to.include('No second factor was on.');
      await anna.post('/account/factor', { password: PASSWORD });
      const { text } = await anna.get('/account');
      secret = bytesOfBase32(/aria-label="The secret">([A-Z2-7 ]+)</.exec(text)?.[1]?.replaceAll(' ', '') ?? '');
      await anna.post('/account/factor/confirm', { code: code() });
      expect((await root.get('/settings/users')).text).to.include('Turn the second factor of anna off');
      await root.post(path, {});
      expect(await login('')).to.equal(303);
      expect(await audit()).to.match(/"actor":"root"[^}]*"action":"factor.off","subject":"anna"/);
    });
  });
});

describe('a QR code', () => {
  it('is drawn as runs of dark modules, with its three corners and a quiet zone', () => {
    const { size, path } = qrCode('otpauth://totp/x');
    const dark = new Set<string>();
    for (const [, x = 0, y = 0, length = 0] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
      for (let k = 0; k < Number(length); k++) dark.add(`${Number(x) + k},${Number(y)}`);
    expect((size - 8 - 17) % 4).to.equal(0);
    const far = size - 4 - 7;
    for (const [left, top] of [
      [4, 4],
      [far, 4],
      [4, far],
    ] as const) {
      for (let k = 0; k < 7; k++) {
        expect(dark.has(`${left + k},${top}`) && dark.has(`${left},${top + k}`)).to.equal(true);
        expect(dark.has(`${left + 1},${top + 1}`)).to.equal(false);
      }
    }
    for (let k = 0; k < size; k++) expect(dark.has(`${k},3`) || dark.has(`3,${k}`)).to.equal(false);
  });
});
