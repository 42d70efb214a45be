import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, startLab, type Lab } from './lab.js';
import { seed } from './seed.js';

const admin = { 'X-API-Key': ADMIN_KEY };
const FORCE = '/api/ingest/force-sync';

forEachDatabase((name, open) => {
  describe(`what is refused on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    before(async () => {
      db = await open();
      await seed(db);
      lab = await startLab(db);
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    const values: [string, string, string][] = [
      ['/api/sessions?page=0', '/page', 'must be a whole number from 1'],
      ['/api/sessions?page=-1', '/page', 'must be a whole number from 1'],
      ['/api/sessions?page=1.5', '/page', 'must be a whole number from 1'],
      ['/api/sessions?page=one', '/page', 'must be a whole number from 1'],
      ['/api/sessions?page=99999999999999', '/page', 'must be a whole number from 1'],
      ['/api/sessions?per_page=0', '/per_page', 'must be a whole number from 1 to 100'],
      ['/api/sessions?per_page=101', '/per_page', 'must be a whole number from 1 to 100'],
      ['/api/sessions?per_page=1e1', '/per_page', 'must be a whole number from 1 to 100'],
      ['/api/sessions?running_only=yes', '/running_only', 'must be true, false, 1 or 0'],
      ['/api/sessions?running_only=constructor', '/running_only', 'must be true, false, 1 or 0'],
      ['/api/vms?all=2', '/all', 'must be true, false, 1 or 0'],
      ['/api/nodes?all=si', '/all', 'must be true, false, 1 or 0'],
      ['/api/sessions?guest_id=x', '/guest_id', 'must be a whole number'],
      ['/api/vms/104?guest_id=1%20or%201=1', '/guest_id', 'must be a whole number'],
      ['/api/sessions?page=1&page=2', '/page', 'is given twice'],
      [`/api/sessions?vm_id=${'1'.repeat(65)}`, '/vm_id', 'must be at most 64 characters'],
      [`/api/sessions/vm/${'1'.repeat(65)}`, '/vm_id', 'must be at most 64 characters'],
      [`/api/vms/${'1'.repeat(65)}`, '/vm_id', 'must be at most 64 characters'],
      [`/api/vms?node=${'n'.repeat(256)}`, '/node', 'must be at most 255 characters'],
      [`/api/gaps?node=${'n'.repeat(256)}`, '/node', 'must be at most 255 characters'],
      ['/api/sessions?start_date=2026-11-02&end_date=2026-11-01', '/end_date', 'must not lie before start_date'],
      ['/api/audit?per_page=1000', '/per_page', 'must be a whole number from 1 to 100'],
      ...[
        'yesterday',
        '2026-02-30',
        '2026-13-01',
        '2026-11-01T25:00',
        '1763000000',
        '2026-W10',
        '10:00',
        '2026-11-1',
      ].map((text): [string, string, string] => [
        `/api/sessions?start_date=${text}`,
        '/start_date',
        'must be a date like 2026-11-01 or a time like 2026-11-01T08:30:00Z',
      ]),
    ];
    for (const [path, pointer, message] of values) {
      it(`answers 422 for ${path.slice(0, 70)}`, async () => {
        const { status, json } = await lab.get(path, admin);
        expect(status).to.equal(422);
        expect(json['errors']).to.deep.equal([{ path: pointer, message }]);
        expect(json['detail']).to.equal(`${pointer.slice(1)} ${message}.`);
      });
    }

    it('names every fault of a query at once', async () => {
      const { json } = await lab.get('/api/sessions?page=0&per_page=500&running_only=maybe', admin);
      expect((json['errors'] as { path: string }[]).map((error) => error.path)).to.have.members([
        '/page',
        '/per_page',
        '/running_only',
      ]);
    });

    it('takes an empty query value and null for none, and leaves unknown ones alone', async () => {
      for (const query of [
        'page=&per_page=&vm_id=&node=&start_date=',
        'page=null&node=null',
        '__proto__=1&constructor=2&x=3',
      ]) {
        const { status, json } = await lab.get(`/api/sessions?${query}`, admin);
        expect([status, json['total']], query).to.deep.equal([200, 5]);
      }
    });

    it('is never upset by what a path or a query holds', async () => {
      const texts = [
        '%00',
        '%FF',
        '%E0%A4%A',
        "'%20or%201=1--",
        '%F0%9F%92%A9',
        '..%2F..%2Fetc%2Fpasswd',
        '%25',
        '*',
        '%22',
      ];
      for (const text of texts) {
        for (const path of [
          `/api/nodes/${text}`,
          `/api/vms/${text}`,
          `/api/sessions/${text}`,
          `/api/sessions/vm/${text}`,
          `/api/vms?node=${text}`,
          `/api/gaps?node=${text}&cluster=${text}`,
          `/api/sessions?vm_id=${text}&node=${text}`,
          `/${text}`,
          `/app.css/${text}`,
        ]) {
          const { status } = await lab.get(path, admin);
          expect(status, path).to.be.oneOf([200, 404, 422]);
        }
      }
    });

    const bodies: [string, string, number, string][] = [
      ['{', FORCE, 400, 'The body is not JSON.'],
      ['target_node=pve-01', FORCE, 400, 'The body is not JSON.'],
      ['[]', FORCE, 422, 'The body must be object.'],
      ['"text"', FORCE, 422, 'The body must be object.'],
      ['null', FORCE, 200, ''],
      ['7', FORCE, 422, 'The body must be object.'],
      ['{"target_node":7}', FORCE, 422, 'target_node must be string.'],
      ['{"target_node":["pve-01"]}', FORCE, 422, 'target_node must be string.'],
      [`{"target_node":"${'n'.repeat(256)}"}`, FORCE, 422, 'target_node must NOT have more than 255 characters.'],
      ['['.repeat(100_000), FORCE, 400, 'The body is not JSON.'],
      ['x'.repeat(256 * 1024 + 1), FORCE, 413, 'The body is too large: at most 256 KiB are taken here.'],
      [
        'x'.repeat(2 * 1024 * 1024 + 1),
        '/api/ingest/vm-states',
        413,
        'The body is too large: at most 2048 KiB are taken here.',
      ],
    ];
    for (const [body, path, status, detail] of bodies) {
      it(`answers ${status} for a body of ${body.length} bytes that begins with ${body.slice(0, 24)}`, async () => {
        const answer = await lab.send('POST', path, body, { ...admin, 'Content-Type': 'application/json' });
        expect(answer.status).to.equal(status);
        if (status !== 200) expect(answer.json['detail']).to.equal(detail);
        if (status === 422) expect(answer.json['errors']).to.have.length(1);
      });
    }

    it('refuses a compressed body and one that is no text', async () => {
      const zipped = await lab.send('POST', FORCE, '{}', { ...admin, 'Content-Encoding': 'gzip' });
      expect(zipped.status).to.equal(415);
      const binary = await fetch(lab.url + FORCE, { method: 'POST', body: Buffer.from([0xff, 0xfe]), headers: admin });
      expect(binary.status).to.equal(400);
    });

    it('answers 405 with the methods that a known path takes', async () => {
      const table: [string, string, string][] = [
        ['POST', '/api/sessions', 'GET, HEAD'],
        ['PUT', '/api/nodes/pve-01', 'DELETE, GET, HEAD'],
        ['GET', '/api/sessions/sync', 'POST'],
        ['DELETE', '/api/ingest/force-sync', 'POST'],
        ['PATCH', '/api/gaps', 'GET, HEAD'],
        ['POST', '/health', 'GET, HEAD'],
      ];
      for (const [method, path, allow] of table) {
        const answer = await lab.send(method, path, undefined, admin);
        expect([answer.status, answer.headers.get('allow')], `${method} ${path}`).to.deep.equal([405, allow]);
        expect(answer.json['detail'], path).to.be.a('string');
      }
    });

    it('shows an error outside the API as a page', async () => {
      const { status, headers, text } = await lab.get('/nowhere', admin);
      expect(status).to.equal(404);
      expect(headers.get('content-type')).to.equal('text/html; charset=utf-8');
      expect(text).to.match(/<title>[^<]*Proxmox VM Tracker/);
    });

    it('logs a line for each call, without a key', () => {
      const requests = lab.lines.filter((line) => line.message === 'request');
      expect(requests.some((line) => line.fields['who'] === 'key security.admin_api_key')).to.equal(true);
      expect(JSON.stringify(lab.lines)).not.to.include(ADMIN_KEY);
      expect(lab.lines.filter((line) => line.message === 'request failed')).to.deep.equal([]);
    });
  });
});
