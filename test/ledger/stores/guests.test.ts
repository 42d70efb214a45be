import { expect } from 'chai';
import { emptyProfile, newGuest, type GuestState, type Life } from '../../../src/core/guest.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { writeGuest } from '../../../src/ledger/stores/guests.js';
import { forEachDatabase } from '../../support/databases.js';

const BEGAN_AT = Date.UTC(2026, 9, 5, 12);
const VMID = 106;

forEachDatabase((_name, open) => {
  describe('the rows of a guest', () => {
    let db: Database;
    let clusterId: number;
    let nodeId: number;
    before(async () => {
      db = await open();
    });
    beforeEach(async () => {
      const key = `name:lab-${String(Math.random())}`;
      clusterId = await idOf('clusters', {
        cluster_key: key,
        name: key,
        revision: 0,
        fence: 0,
        lease_counter: 0,
        created_at: BEGAN_AT,
      });
      nodeId = await idOf('nodes', {
        cluster_id: clusterId,
        name: key,
        proxmox_name: key,
        hostname: 'pve-01.example',
        source: 'pull',
        generation: 1,
        is_active: 1,
        health: 'online',
        created_at: BEGAN_AT,
      });
    });

    const idOf = async (table: string, row: Record<string, unknown>): Promise<number> =>
      ((await db.writer(table).insert(row)) as number[])[0] ?? 0;
    const guest = (type: 'qemu' | 'lxc', lives: Life[]): GuestState => ({
      ...newGuest(type, VMID, { nodeId, firstSeenAt: BEGAN_AT, profile: emptyProfile }),
      lives,
    });
    const life = (number: number, more: Partial<Life> = {}): Life => ({
      id: null,
      life: number,
      firstSeenAt: BEGAN_AT + number * 1000,
      destroyed: null,
      ...more,
    });
    const ended = { destroyed: { earliest: BEGAN_AT + 1500, latest: BEGAN_AT + 1600 } };
    const write = (before: GuestState | null, after: GuestState): Promise<Life[]> =>
      inTransaction(db, (trx) => writeGuest(trx, clusterId, before, after, BEGAN_AT));
    const rows = async (): Promise<unknown[]> =>
      (await db
        .reader('guests')
        .where({ cluster_id: clusterId })
        .orderBy('id')
        .select('id', 'type', 'life', 'current_vmid', 'destroyed_latest')) as unknown[];

    const twoLives = async (): Promise<{ guest: GuestState; first: Life; second: Life }> => {
      const made = guest('qemu', [life(1, ended), life(2)]);
      const lives = await write(null, made);
      const [first, second] = lives;
      if (first === undefined || second === undefined) throw new Error('two lives were to be written');
      return { guest: { ...made, lives }, first, second };
    };

    it('become one where what was taken for a new guest is the one of before, which takes the VMID from it', async () => {
      const { guest: before, first, second } = await twoLives();
      const change = { guest_id: second.id, at: 1, earliest: 1, latest: 1, field: 'name' };
      await db.writer('guest_changes').insert(change);
      const merged = await write(before, { ...before, lives: [{ ...first, destroyed: null }] });
      expect(merged.map(({ id }) => id)).to.deep.equal([first.id]);
      expect(await rows()).to.deep.equal([
        { id: first.id, type: 'qemu', life: 1, current_vmid: VMID, destroyed_latest: null },
      ]);
      expect(await db.reader('guest_changes').where({ guest_id: first.id })).to.have.length(1);
    });

    it('are renumbered while the VMID goes from one to the other', async () => {
      const { guest: before, first, second } = await twoLives();
      const end = { earliest: BEGAN_AT + 2500, latest: BEGAN_AT + 2600 };
      await write(before, {
        ...before,
        lives: [
          { ...second, life: 1, destroyed: end },
          { ...first, life: 2, destroyed: null },
        ],
      });
      expect(await rows()).to.deep.equal([
        { id: first.id, type: 'qemu', life: 2, current_vmid: VMID, destroyed_latest: null },
        { id: second.id, type: 'qemu', life: 1, current_vmid: null, destroyed_latest: end.latest },
      ]);
    });

    it('give the VMID to a container that was made in its place, and take it back when the VM is told to go on', async () => {
      const vm = guest('qemu', [life(1)]);
      const lives = await write(null, vm);
      const [container] = await write(null, guest('lxc', [life(1)]));
      const bearers = async (): Promise<unknown[]> =>
        (await db.reader('guests').where({ cluster_id: clusterId, current_vmid: VMID }).select('id')) as unknown[];
      expect(await bearers()).to.deep.equal([{ id: container?.id }]);
      const before = { ...vm, lives: lives.map((one) => ({ ...one, ...ended })) };
      await write(before, { ...vm, lives });
      expect(await bearers()).to.deep.equal([{ id: lives[0]?.id }]);
    });
  });
});
