import { expect } from 'chai';
import type { LoginAttempt } from '../../src/ledger/access.js';
import { AttemptsUnderway, lockedUntil, presumeFailed } from '../../src/web/lockout.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 12);

/** Attempts at these minutes before now, newest first. */
function at(minutes: number[], actor = 'anna', isFailure = true): LoginAttempt[] {
  return minutes.map((ago) => ({ at: NOW - ago * MINUTE, actor, isFailure }));
}

describe('the lock after failed logins', () => {
  it('comes with the fifth failure in a row, and lasts fifteen minutes from it', () => {
    expect(lockedUntil(at([1, 2, 3, 4]), 'anna', NOW)).to.equal(null);
    expect(lockedUntil(at([1, 2, 3, 4, 5]), 'anna', NOW)).to.equal(NOW + 14 * MINUTE);
    expect(lockedUntil(at([15, 16, 17, 18, 19]), 'anna', NOW)).to.equal(null);
  });

  it('needs the five within fifteen minutes', () => {
    expect(lockedUntil(at([1, 2, 3, 4, 16]), 'anna', NOW)).to.equal(NOW + 14 * MINUTE);
    expect(lockedUntil(at([1, 2, 3, 4, 17]), 'anna', NOW)).to.equal(null);
  });

  it('forgets failures before a success of the same user, not of another', () => {
    const failures = at([3, 4, 5, 6]);
    expect(lockedUntil([...at([1]), ...at([2], 'anna', false), ...failures], 'anna', NOW)).to.equal(null);
    expect(lockedUntil([...at([1]), ...at([2], 'bert', false), ...failures], 'anna', NOW)).to.equal(NOW + 14 * MINUTE);
  });

  it('shuts an address out after twenty failures, whoever they were for', () => {
    const many = Array.from({ length: 20 }, (_, k) => at([1 + k / 2], `user${k}`)).flat();
    expect(lockedUntil(many, 'anna', NOW)).to.equal(NOW + 14 * MINUTE);
    expect(lockedUntil(many.slice(1), 'anna', NOW)).to.equal(null);
  });

  it('presumes that attempts underway fail, until they are judged', async () => {
    const underway = new AttemptsUnderway();
    const seen: (readonly string[])[] = [];
    const gates: (() => void)[] = [];
    const attempt = (actor: string): Promise<void> =>
      underway.during('192.0.2.1', actor, (before) => {
        seen.push(before);
        return new Promise((resolve) => gates.push(resolve));
      });
    const first = [attempt('anna'), attempt('bert'), attempt('anna')];
    expect(seen).to.deep.equal([[], ['anna'], ['anna', 'bert']]);
    for (const open of gates.splice(0)) open();
    await Promise.all(first);
    const next = attempt('anna');
    expect(seen.at(-1)).to.deep.equal([]);
    gates.forEach((open) => open());
    await next;
    expect(lockedUntil(presumeFailed(['anna', 'anna'], at([1, 2]), NOW), 'anna', NOW)).to.equal(null);
    expect(lockedUntil(presumeFailed(['anna', 'anna'], at([1, 2, 3]), NOW), 'anna', NOW)).to.equal(NOW + 15 * MINUTE);
  });
});
