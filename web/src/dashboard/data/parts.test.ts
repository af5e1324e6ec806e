import { expect, it } from 'vitest';
import { noteErrors } from './errors';
import { partsOf } from './parts';

const fields: ['a' | 'b', string, 'a' | 'b'][] = [
  ['a', 'a', 'a'],
  ['b', 'b', 'b'],
];
const of = (total: number | null, a: number | null, b: number | null) =>
  partsOf({ total, a, b }, 'total', fields);

it('what the parts leave of a total is unaccounted', () => {
  expect(of(10, 4, 3)).toMatchObject({ unaccounted: 3, excess: null });
  expect(of(7, 4, 3)).toMatchObject({ unaccounted: null, excess: null });
  expect(of(5, 4, 3)).toMatchObject({ unaccounted: null, excess: 2 });
});

it('makes nothing up for what is not known', () => {
  const none = of(null, 4, null);
  expect(none).toMatchObject({ total: null, unaccounted: null, excess: null });
  expect(none.parts.map(({ value }) => value)).toEqual([4, null]);
  // That no part is known does not say that all is unaccounted for.
  expect(of(9, null, null).unaccounted).toBeNull();
});

it('does not compare a total with parts that cannot be shown', () => {
  const run = { total: 9, a: 4, b: null };
  noteErrors({ run }, [{ message: 'too large', path: ['run', 'b'] }]);
  const { unaccounted, parts } = partsOf(run, 'total', fields);
  expect(unaccounted).toBeNull();
  expect(parts.map(({ error }) => error)).toEqual([undefined, 'too large (b)']);
});
