import { expect } from 'chai';
import { addUser, createLogin, type Role } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { keyOf, NOW, startLab, type Answer, type Lab } from './lab.js';

const CSRF = 'c'.repeat(43);

/**
 * What each route answers to whom. Nothing that a parameter names exists, no form is filled in, and what a cookie asks for
 * carries its CSRF token: 404 and 422 are the answers of those who may. Whoever adds a route adds its line.
 */
const TABLE = `
route                                anonymous ingest read enrol admin viewer admin-login
GET /health                          200       200    200  200   200   200    200
GET /ready                           200       200    200  200   200   200    200
POST /api/nodes                      401       403    403  422   422   403    422
GET /api/nodes                       401       403    200  403   200   200    200
GET /api/nodes/:name                 401       403    404  403   404   404    404
DELETE /api/nodes/:name              401       403    403  403   404   403    404
GET /api/vms                         401       403    200  403   200   200    200
GET /api/vms/:vm_id                  401       403    404  403   404   404    404
DELETE /api/vms/:vm_id               401       403    403  403   404   403    404
GET /api/vms/:vm_id/usage            401       403    404  403   404   404    404
GET /api/vms/:vm_id/daily            401       403    404  403   404   404    404
GET /api/sessions                    401       403    200  403   200   200    200
GET /api/sessions/running            401       403    200  403   200   200    200
GET /api/sessions/vm/:vm_id          401       403    200  403   200   200    200
GET /api/sessions/sync               401       403    405  403   405   405    405
GET /api/sessions/:id                401       403    404  403   404   404    404
POST /api/sessions/sync              401       403    403  403   200   403    200
POST /api/sessions/manual/start      401       403    403  403   422   403    422
POST /api/sessions/manual/stop/:id   401       403    403  403   404   403    404
GET /api/gaps                        401       403    200  403   200   200    200
GET /api/checks                      401       403    200  403   200   200    200
GET /api/keys                        401       403    200  403   200   200    200
GET /api/audit                       401       403    200  403   200   200    200
POST /api/ingest/force-sync          401       403    403  403   200   403    200
POST /api/ingest/register            401       422    403  403   422   403    422
POST /api/ingest/vm-start            401       422    403  403   422   403    422
POST /api/ingest/vm-stop             401       422    403  403   422   403    422
POST /api/ingest/vm-states           401       422    403  403   422   403    422
POST /api/ingest/heartbeat           401       422    403  403   422   403    422
GET /metrics                         401       403    200  403   200   200    200
GET /login                           200       200    200  200   200   303    303
POST /login                          401       401    401  401   401   401    401
POST /logout                         303       303    303  303   303   303    303
GET /setup/:token                    404       404    404  404   404   404    404
POST /setup/:token                   404       404    404  404   404   404    404
GET /                                303       403    200  403   200   200    200
GET /guests                          303       403    200  403   200   200    200
GET /guests/:id                      303       403    404  403   404   404    404
GET /sessions                        303       403    200  403   200   200    200
GET /nodes                           303       403    200  403   200   200    200
GET /gaps                            303       403    200  403   200   200    200
GET /checks                          303       403    200  403   200   200    200
POST /checks/run                     303       403    403  403   303   403    303
POST /checks/settle                  303       403    403  403   422   403    422
POST /force-sync                     303       403    403  403   303   403    303
GET /account                         303       403    403  403   403   200    200
POST /account/password               303       403    403  403   403   422    422
POST /account/logins/:id/end         303       403    403  403   403   303    303
POST /account/factor                 303       403    403  403   403   401    401
POST /account/factor/confirm         303       403    403  403   403   422    422
POST /account/factor/off             303       403    403  403   403   401    401
GET /settings/users                  303       403    403  403   200   403    200
POST /settings/users                 303       403    403  403   422   403    422
POST /settings/users/:id/role        303       403    403  403   303   403    303
POST /settings/users/:id/disable     303       403    403  403   303   403    303
POST /settings/users/:id/enable      303       403    403  403   303   403    303
POST /settings/users/:id/password    303       403    403  403   303   403    303
POST /settings/users/:id/factor-off  303       403    403  403   303   403    303
GET /settings/keys                   303       403    403  403   200   403    200
POST /settings/keys                  303       403    403  403   422   403    422
POST /settings/keys/:id/revoke       303       403    403  403   303   403    303
GET /settings/nodes                  303       403    403  403   200   403    200
POST /settings/nodes                 303       403    403  403   422   403    422
POST /settings/nodes/test            303       403    403  403   404   403    404
GET /settings/nodes/edit             303       403    403  403   404   403    404
POST /settings/nodes/edit            303       403    403  403   404   403    404
GET /settings/nodes/remove           303       403    403  403   404   403    404
POST /settings/nodes/remove          303       403    403  403   404   403    404
POST /theme                          422       422    422  422   422   422    422
`;

const [head = '', ...lines] = TABLE.trim().split('\n');
const holders = head.split(/ +/).slice(1);
const rows = lines.map((line) => {
  const [method = '', path = '', ...statuses] = line.split(/ +/);
  return { route: `${method} ${path}`, method, path: path.replaceAll(/:\w+/g, '4711'), statuses: statuses.map(Number) };
});

const writes = rows.filter(({ method }) => method !== 'GET');

forEachDatabase((name, open) => {
  describe(`every route on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    const credentials = new Map<string, () => Promise<Record<string, string>>>();

    before(async () => {
      db = await open();
      lab = await startLab(db, { server: { trustProxy: true } });
      // A form before the login has the token of a cookie of its own.
      credentials.set('anonymous', () => Promise.resolve({ Cookie: `tracker_csrf=${CSRF}`, 'X-CSRF-Token': CSRF }));
      for (const scope of ['ingest', 'read', 'enrol', 'admin'] as const) {
        const key = await keyOf(db, scope);
        credentials.set(scope, () => Promise.resolve({ 'X-API-Key': key }));
      }
      credentials.set('viewer', await loginOf('victor', 'viewer'));
      credentials.set('admin-login', await loginOf('anna', 'admin'));
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    /** Each call has a login of its own: one of them is the logout. */
    async function loginOf(user: string, role: Role): Promise<() => Promise<Record<string, string>>> {
      const wish = { name: user, password: 'correct horse battery', role };
      const { id: userId } = await inTransaction(db, (trx) => addUser(trx, wish, NOW));
      return async () => {
        const wish = { userId, address: '127.0.0.1' };
        const { token, csrfToken } = await inTransaction(db, (trx) => createLogin(trx, wish, NOW));
        return { Cookie: `tracker_login=${token}`, 'X-CSRF-Token': csrfToken };
      };
    }

    async function ask(holder: string, row: { method: string; path: string }, hasToken = true): Promise<Answer> {
      // Each from an address of its own: the failed logins of all would be locked out.
      const address = { 'X-Forwarded-For': `192.0.2.${holders.indexOf(holder)}` };
      const headers: Record<string, string> = { ...(await credentials.get(holder)?.()), ...address };
      if (!hasToken) delete headers['X-CSRF-Token'];
      return lab.send(row.method, row.path, undefined, headers);
    }

    it('has a line in the table, and every line a route', () => {
      expect(rows.map(({ route }) => route)).to.have.members(lab.routes);
    });

    for (const row of rows) {
      it(`answers ${row.route} to each by what they may`, async () => {
        const statuses: number[] = [];
        for (const holder of holders) statuses.push((await ask(holder, row)).status);
        expect(statuses).to.deep.equal(row.statuses);
      });
    }

    it('refuses every write that a cookie vouches for without the CSRF token', async () => {
      for (const row of writes) {
        for (const holder of ['viewer', 'admin-login']) {
          expect((await ask(holder, row, false)).status, `${row.route} for ${holder}`).to.equal(403);
        }
      }
    });
  });
});
