import { expect } from 'chai';
import { dayStart, parseInstant } from '../../src/core/calendar.js';

describe('instants of the wire', () => {
  const table: [string, string | null][] = [
    ['2026-11-24T06:47:42.123456', '2026-11-24T06:47:42.123Z'],
    ['2026-11-24T06:47:42', '2026-11-24T06:47:42.000Z'],
    ['2026-11-24T06:47', '2026-11-24T06:47:00.000Z'],
    ['2026-11-24 06:47:42', '2026-11-24T06:47:42.000Z'],
    ['2026-11-24T06:47:42Z', '2026-11-24T06:47:42.000Z'],
    ['2026-11-24t06:47:42z', '2026-11-24T06:47:42.000Z'],
    ['2026-11-24T06:47:42+02:00', '2026-11-24T04:47:42.000Z'],
    ['2026-11-24T06:47:42 02:00', '2026-11-24T04:47:42.000Z'],
    ['2026-11-24T06:47:42.5-0330', '2026-11-24T10:17:42.500Z'],
    ['2026-11-24', '2026-11-23T23:00:00.000Z'],
    [' 2026-11-24 ', '2026-11-23T23:00:00.000Z'],
    ['2024-02-29', '2024-02-28T23:00:00.000Z'],
    ['2026-02-29', null],
    ['2026-11-24T24:01', null],
    ['2026-11-24T06:60', null],
    ['2026-11-24T06:47:60', null],
    ['20261124', null],
    ['2026-11', null],
    ['now', null],
    ['', null],
  ];
  for (const [text, expected] of table) {
    it(`reads "${text}" as ${expected ?? 'nothing'}`, () => {
      const at = parseInstant(text, 'Europe/Berlin');
      expect(at === null ? null : new Date(at).toISOString()).to.equal(expected);
    });
  }

  it('begins a day where it first strikes midnight, and after a midnight that was skipped', () => {
    const start = (day: string, zone: string): string => new Date(dayStart(day, zone) ?? 0).toISOString();
    expect(start('2026-03-29', 'Europe/Berlin')).to.equal('2026-03-28T23:00:00.000Z');
    expect(start('2025-11-02', 'America/Havana')).to.equal('2025-11-02T04:00:00.000Z');
    expect(start('2018-11-04', 'America/Sao_Paulo')).to.equal('2018-11-04T03:00:00.000Z');
    expect(start('2026-11-24', 'Asia/Kathmandu')).to.equal('2026-11-23T18:15:00.000Z');
  });
});
