import { expect } from 'chai';
import { createApp, type App } from '../../src/app.js';
import { Pulse } from '../../src/collect/pulse.js';
import { silentLog } from '../../src/log.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, MovedClock, SECOND, startLab, type Lab } from './lab.js';

describe('the pulse of the poll loop', () => {
  it('is there until four intervals and six time-outs have passed without a beat', () => {
    const clock = new MovedClock();
    const pulse = new Pulse(clock, { intervalSeconds: 30, timeoutSeconds: 10 });
    clock.at += 180 * SECOND;
    expect(pulse.isAlive()).to.equal(true);
    clock.at += 1;
    expect(pulse.isAlive()).to.equal(false);
    pulse.beat();
    expect(pulse.isAlive()).to.equal(true);
  });
});

forEachDatabase((_name, _open, fresh) => {
  describe('the pulse of a manager', function () {
    this.timeout(60_000);
    let lab: Lab;
    let app: App;
    const lives = async (): Promise<void> => {
      while (!app.isPolling()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const start = async (nodes: Lab['config']['nodes']): Promise<void> => {
      const config = { ...lab.config, nodes, database: await fresh.migrated() };
      app = createApp(config, { clock: lab.clock, log: silentLog });
      await app.start();
      await app.pollNow({ nodes: null });
    };

    before(async () => void (lab = await startLab({ intervalSeconds: 1, timeoutSeconds: 1 })));
    afterEach(() => app.stop());
    after(() => lab.close());

    it('is beaten by polls that end, and not while each of them hangs', async () => {
      await start(lab.config.nodes);
      let release = (): void => {};
      const hanging = new Promise<never>((_, reject) => {
        release = () => reject(new Error('released'));
      });
      hanging.catch(() => undefined);
      const members = [...app.collector.roster.members.values()];
      expect(members).to.have.length(4);
      // Ticks go on, and find every poll under way.
      const hang = (): void => {
        for (const member of members) member.polling = hanging;
      };
      const held = setInterval(hang, 1);
      hang();
      try {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        lab.move(10 * MINUTE);
        await new Promise((resolve) => setTimeout(resolve, 2500));
        expect(app.isPolling()).to.equal(false);
      } finally {
        clearInterval(held);
        for (const member of members) member.polling = null;
        release();
      }
      await lives();
    });

    it('is beaten by the ticks of a manager that has no node yet', async () => {
      await start([]);
      lab.move(10 * MINUTE);
      await lives();
    });
  });
});
