import { expect } from 'chai';
import { identifyCluster } from '../../src/collect/identify.js';
import type { ClusterDiscovery } from '../../src/core/observation.js';
import { inTransaction, type Database } from '../../src/ledger/database.js';
import { ensureNode } from '../../src/ledger/stores/clusters.js';
import { forEachDatabase } from '../support/databases.js';

/** A standalone node called pve, whose root CA can be read where one is given. */
function standalone(rootCaSha256: string | null): ClusterDiscovery {
  const member = { node: 'pve', ip: null, isOnline: true, isLocal: true, sslFingerprint: null };
  return { clusterName: null, localNode: 'pve', members: [member], rootCaSha256 } as ClusterDiscovery;
}

forEachDatabase((name, open) => {
  describe(`who a cluster is, on ${name}`, () => {
    let db: Database;

    beforeEach(async () => {
      db = await open();
    });

    /** Meets it as an entry does that led to `knownId` before, and has its node stored. */
    const meet = (discovery: ClusterDiscovery, knownId: number | null): Promise<number> =>
      inTransaction(db, async (trx) => {
        const { id } = await identifyCluster(trx, discovery, 1, knownId);
        const node = { clusterName: 'pve', name: `pve of ${id}`, proxmoxName: 'pve', hostname: '10.0.0.1' };
        await ensureNode(trx, { clusterId: id, ...node }, 1);
        return id;
      });

    it('is told by its CA, and two of one name keep apart', async () => {
      const first = await meet(standalone('AA'), null);
      expect(await meet(standalone('BB'), null)).to.not.equal(first);
      expect(await meet(standalone('AA'), null)).to.equal(first);
    });

    it('stays the same for the entry that led there when its CA is another, or can be read at last', async () => {
      const first = await meet(standalone(null), null);
      expect(await meet(standalone('AA'), first)).to.equal(first);
      expect(await meet(standalone('BB'), first)).to.equal(first);
      expect(await meet(standalone('BB'), null)).to.equal(first);
    });

    it('is not taken over by one of the same name that another entry meets', async () => {
      const first = await meet(standalone(null), null);
      expect(await meet(standalone('BB'), null)).to.not.equal(first);
    });

    it('is the one whose CA is known already, whoever leads there', async () => {
      const [first, second] = [await meet(standalone('AA'), null), await meet(standalone('BB'), null)];
      expect(await meet(standalone('BB'), first)).to.equal(second);
    });
  });
});
