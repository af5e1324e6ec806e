import { describe, expect, it } from 'vitest';
import { parseSettings, type Settings } from '../settings/settings';
import { about, duration, relative } from './duration';
import { formatLength, parseLength } from './length';
import { compact, count, percent, rate } from './number';
import { brief, formatClock, fromField, full, parseClock, startOfDay, toField } from './time';

const settings: Settings = {
  language: 'en',
  theme: 'system',
  zone: 'Asia/Kolkata',
  hours: '24',
  keys: true,
};

describe('numbers', () => {
  it('show what is not known as a dash, never as 0', () => {
    for (const format of [count, compact, percent, rate, duration]) {
      expect(format(null)).toBe('–');
      expect(format(undefined)).toBe('–');
      expect(format(0)).not.toBe('–');
    }
  });

  it('say 100 % only of what is complete', () => {
    expect([0, 3.456, 42.9, 99.99, 100].map(percent)).toEqual([
      '0.0%',
      '3.4%',
      '42%',
      '99%',
      '100%',
    ]);
  });

  it('are short where there is little room', () => {
    expect([999, 9_999, 12_345, 3_100_000].map(compact)).toEqual(['999', '9,999', '12.3K', '3.1M']);
  });
});

describe('lengths of time', () => {
  it('have two units', () => {
    expect(
      [0, 830, 9_990, 59_999, 65_000, 3_725_000, 90_000_000, -65_000].map((ms) => duration(ms)),
    ).toEqual(['0.0s', '0.8s', '9.9s', '59s', '1m 05s', '1h 02m', '1d 1h', '−1m 05s']);
  });

  it('tick from now', () => {
    expect([0, 3_000, 240_000, -7_200_000].map((ago) => relative(0, ago))).toEqual([
      'just now',
      '3 sec ago',
      '4 min ago',
      'in 2 hr',
    ]);
    expect(about(3 * 86_400_000)).toBe('3 days');
  });
});

describe('moments', () => {
  const now = Date.parse('2026-05-01T10:00:00Z');

  it('are as brief as their distance lets them', () => {
    expect(brief('2026-05-01T04:05:06Z', settings, now)).toBe('09:35:06');
    expect(brief('2026-04-30T17:00:00Z', settings, now)).toBe('30 Apr, 22:30');
    expect(brief('2025-04-30T17:00:00Z', settings, now)).toBe('30 Apr 2025');
    expect(brief(null, settings, now)).toBe('–');
  });

  it('say their zone in full, by 24 or 12 hours', () => {
    expect(full('2026-05-01T12:00:00Z', { ...settings, zone: 'UTC' })).toBe(
      '01 May 2026, 12:00:00 UTC',
    );
    expect(full('2026-05-01T12:00:00Z', { ...settings, zone: 'UTC', hours: '12' })).toMatch(
      /12:00:00 pm UTC/i,
    );
  });

  it('pass through a field of the form unchanged', () => {
    const moment = '2026-05-01T10:20:00.000Z';
    expect(toField(moment, settings)).toBe('2026-05-01T15:50');
    expect(fromField('2026-05-01T15:50', settings)).toBe(moment);
    expect(fromField('', settings)).toBeUndefined();
    expect(startOfDay(settings, now)).toBe('2026-04-30T18:30:00.000Z');
  });
});

it('settings that make no sense are as usual', () => {
  const usual = parseSettings(null);
  for (const text of [
    '',
    'no JSON',
    '5',
    'null',
    '{"zone":"Nowhere/City","theme":"pink","language":"xx"}',
  ]) {
    expect(parseSettings(text)).toEqual(usual);
  }
  expect(
    parseSettings('{"language":"de","zone":"UTC","theme":"dark","hours":"12","keys":false}'),
  ).toEqual({
    language: 'de',
    zone: 'UTC',
    theme: 'dark',
    hours: '12',
    keys: false,
  });
});

it('lengths of time are read as they are typed, and written so that they are read again', () => {
  for (const [text, ms, again] of [
    ['90s', 90_000, '1m30s'],
    ['1h30m', 5_400_000, '1h30m'],
    [' 1H 30 m ', 5_400_000, '1h30m'],
    ['2,5h', 9_000_000, '2h30m'],
    ['250ms', 250, '250ms'],
    ['3d', 259_200_000, '3d'],
    ['0s', 0, '0s'],
  ] as const) {
    expect([text, parseLength(text), formatLength(ms)]).toEqual([text, ms, again]);
    expect(parseLength(again)).toBe(ms);
  }
  for (const wrong of ['', '10', 'm', '10 minutes', '-5m', '1h30', '1e9d', '99999999999999d']) {
    expect([wrong, parseLength(wrong)]).toEqual([wrong, undefined]);
  }
});

it('a time of the day is read in either form, and written in the chosen one', () => {
  for (const [text, clock] of [
    ['13:30', '13:30'],
    ['9.05', '09:05'],
    ['1:30 PM', '13:30'],
    ['12 am', '00:00'],
    ['12:15 p.m.', '12:15'],
    [' 7pm ', '19:00'],
  ] as const) {
    expect([text, parseClock(text)]).toEqual([text, clock]);
  }
  for (const wrong of ['', '13', '24:00', '12:60', '13:00 pm', '0am', 'noon', '1:2']) {
    expect([wrong, parseClock(wrong)]).toEqual([wrong, undefined]);
  }
  for (const clock of ['00:00', '09:05', '12:00', '13:30', '23:59']) {
    for (const hours of ['12', '24'] as const) {
      expect(parseClock(formatClock(clock, { hours }))).toBe(clock);
    }
  }
  expect(formatClock('13:05', { hours: '12' })).toBe('1:05 PM');
});
