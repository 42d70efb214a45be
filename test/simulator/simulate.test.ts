import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { namedScenario, scenarioNames } from '../../src/simulator/scenarios.js';
import { runSimulate } from '../../src/simulator/simulate.js';
import { beganAt } from './asking.js';

describe('the simulator alone', () => {
  it('prints where its nodes listen, their fingerprints and a ready config, and ends with the signal', async () => {
    const stop = new AbortController();
    const lines: string[] = [];
    const write = (line: string): void => {
      lines.push(line);
      if (line.includes('edge-01')) setImmediate(() => stop.abort());
    };
    await runSimulate({ scenario: 'lab', write }, { clock: systemClock, log: silentLog, signal: stop.signal });
    const text = lines.join('\n');
    expect(text).to.match(/pve-01 \(lab\) https:\/\/127\.0\.0\.1:\d+ ([0-9A-F]{2}:){31}[0-9A-F]{2}/);
    expect(text).to.contain('\nnodes:\n  - name: pve-01\n    host: 127.0.0.1\n');
  });

  it('names the scenarios that there are when asked for another', async () => {
    const options = { scenario: 'nowhere', write: (): void => {} };
    const parts = { clock: systemClock, log: silentLog, signal: AbortSignal.abort() };
    const message = await runSimulate(options, parts).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).to.match(/^there is no scenario "nowhere": choose one of lab, demo, trap-01-/);
  });

  it('has every scenario that it names, each name once', () => {
    const names = scenarioNames();
    expect(new Set(names).size).to.equal(names.length);
    for (const name of names) expect(namedScenario(name, beganAt)?.name).to.equal(name);
  });
});
