import { expect } from 'chai';
import { dayNamed, dayOf, firstInstantOf, monthOf } from '../../../src/web/present/pages-calendar.js';
import {
  agoText,
  boundText,
  bytesText,
  countOf,
  durationFigure,
  percentText,
  zoneClock,
} from '../../../src/web/present/pages-figures.js';

const HOUR = 3_600_000;

describe('figures', () => {
  it('writes hours unwrapped, with minutes and seconds in two digits', () => {
    expect(durationFigure(388 * HOUR + 12 * 60_000 + 9_999).text).to.equal('388 h 12 m 09 s');
    expect(durationFigure(19_482 * HOUR).text).to.equal('19,482 h 00 m 00 s');
    expect(durationFigure(4 * 60_000 + 5_000).text).to.equal('4 m 05 s');
    expect(durationFigure(0).text).to.equal('0 s');
    expect(durationFigure(-5).text).to.equal('0 s');
  });

  it('leaves the seconds out where they are not wanted, but never the unit', () => {
    expect(durationFigure(8 * HOUR + 44 * 60_000 + 48_000, { seconds: false }).text).to.equal('8 h 44 m');
    expect(durationFigure(12_000, { seconds: false }).text).to.equal('12 s');
    expect(durationFigure(0, { seconds: false }).text).to.equal('0 m');
  });

  it('never understates how far a figure can be off', () => {
    expect(boundText(301)).to.equal('± 0.4 s');
    expect(boundText(0)).to.equal('± 0 s');
    expect(boundText(9_901)).to.equal('± 10 s');
    expect(boundText(14_001)).to.equal('± 15 s');
    expect(boundText(200_000)).to.equal('± 3 m 20 s');
  });

  it('words the time gone by coarsely', () => {
    expect(['12 s', '3 m 20 s', '4 h 05 m', '3 days']).to.deep.equal(
      [12_900, 200_000, 4 * HOUR + 300_000, 73 * HOUR].map(agoText),
    );
  });

  it('never shows a share that is there as none', () => {
    expect([0, 0.000001, 0.0004, 0.0712, 0.5].map(percentText)).to.deep.equal(['0', '< 0.01', '0.04', '7.1', '50']);
  });

  it('counts one and many', () => {
    expect([countOf(1, 'guest'), countOf(0, 'guest'), countOf(1_208, 'session')]).to.deep.equal([
      '1 guest',
      '0 guests',
      '1,208 sessions',
    ]);
    expect(bytesText(2 ** 35)).to.equal('32 GiB');
    expect(bytesText(512 * 2 ** 20)).to.equal('512 MiB');
  });

  it('shows instants in the zone, shortly, with the whole instant beside', () => {
    const asOf = Date.UTC(2026, 10, 24, 9);
    const berlin = zoneClock('Europe/Berlin');
    const figure = berlin.instant(Date.UTC(2026, 8, 1, 7, 5, 9, 45), asOf);
    expect(figure.short).to.equal('1 Sep 09:05:09');
    expect(figure.iso).to.equal('2026-09-01T07:05:09.045Z');
    expect(figure.full).to.contain('2026-09-01T07:05:09.045Z').and.contain('2026');
    expect(berlin.instant(Date.UTC(2025, 11, 31, 23, 30), asOf).short).to.equal('1 Jan 00:30:00');
    expect(berlin.instant(Date.UTC(2025, 5, 1), asOf).short).to.equal('1 Jun 2025 02:00:00');
  });
});

describe('the calendar of pages', () => {
  it('gives a day of the zone its 23, 24 or 25 hours', () => {
    const hours = (text: string, zone: string): number => {
      const day = dayNamed(text, zone);
      return day === null ? 0 : (day.to - day.from) / HOUR;
    };
    expect(hours('2026-10-25', 'Europe/Berlin')).to.equal(25);
    expect(hours('2026-03-29', 'Europe/Berlin')).to.equal(23);
    expect(hours('2026-11-24', 'Europe/Berlin')).to.equal(24);
  });

  it('begins a day whose midnight does not exist at its first instant', () => {
    // In Santiago the clock went from 24:00 to 01:00 on 6 September 2026.
    const zone = 'America/Santiago';
    const from = firstInstantOf(2026, 9, 6, zone);
    expect(zoneClock(zone).parts(from)).to.include({ day: 6, hour: 1 });
    expect(zoneClock(zone).parts(from - 1)).to.include({ day: 5, hour: 23 });
  });

  it('counts months over the turn of a year', () => {
    const at = Date.UTC(2027, 0, 15);
    expect(monthOf(at, 'UTC', -2)).to.deep.equal({ from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 11, 1) });
    expect(dayOf(at, 'UTC', -15).from).to.equal(Date.UTC(2026, 11, 31));
  });

  it('takes no day that does not exist', () => {
    expect(
      ['2026-02-29', '2026-13-01', '2026-1-1', 'today', '1969-12-31'].map((day) => dayNamed(day, 'UTC')),
    ).to.deep.equal([null, null, null, null, null]);
  });
});
