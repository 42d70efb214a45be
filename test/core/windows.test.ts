import { expect } from 'chai';
import fc from 'fast-check';
import { clamp, hull, intersect, meets, widen, type Window } from '../../src/core/window.js';

const instant = fc.integer({ min: -1000, max: 1000 });
const window = fc
  .tuple(instant, instant)
  .map(([a, b]): Window => ({ earliest: Math.min(a, b), latest: Math.max(a, b) }));
const holds = (one: Window | null, at: number): boolean => one !== null && one.earliest <= at && at <= one.latest;

describe('windows', () => {
  it('intersect to exactly the instants that both hold, in any order', () => {
    fc.assert(
      fc.property(window, window, instant, (a, b, at) => {
        expect(holds(intersect(a, b), at)).to.equal(holds(a, at) && holds(b, at));
        expect(intersect(a, b)).to.deep.equal(intersect(b, a));
        expect(intersect(a, a)).to.deep.equal(a);
        expect(meets(a, b)).to.equal(intersect(a, b) !== null);
      }),
    );
  });

  it('intersect alike however three of them are grouped', () => {
    fc.assert(
      fc.property(window, window, window, (a, b, c) => {
        const ab = intersect(a, b);
        const bc = intersect(b, c);
        const left = ab === null ? null : intersect(ab, c);
        const right = bc === null ? null : intersect(a, bc);
        expect(left).to.deep.equal(right);
      }),
    );
  });

  it('have a hull that holds both and nothing outside of their outermost instants', () => {
    fc.assert(
      fc.property(window, window, instant, (a, b, at) => {
        const both = hull(a, b);
        if (holds(a, at) || holds(b, at)) expect(holds(both, at)).to.equal(true);
        expect(both).to.deep.equal(hull(b, a));
        expect([a.earliest, b.earliest]).to.include(both.earliest);
        expect([a.latest, b.latest]).to.include(both.latest);
        expect(intersect(both, a)).to.deep.equal(a);
      }),
    );
  });

  it('clamp an instant to the nearest that they hold, and widen on either side', () => {
    fc.assert(
      fc.property(window, instant, fc.nat(100), (a, at, byMs) => {
        expect(holds(a, clamp(at, a))).to.equal(true);
        if (holds(a, at)) expect(clamp(at, a)).to.equal(at);
        expect(holds(widen(a, byMs), a.earliest - byMs)).to.equal(true);
        expect(holds(widen(a, byMs), a.latest + byMs + 1)).to.equal(false);
      }),
    );
  });
});
