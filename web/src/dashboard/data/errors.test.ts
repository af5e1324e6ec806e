import { expect, it } from 'vitest';
import { dataOf, RequestError } from './client';
import { countErrors, errorOf, noteErrors } from './errors';

const message = '9223372036854775807 does not fit a Long, which has 53 bits';

it('an error is found at the field that has no value, and nowhere else', () => {
  const data = {
    jobs: { items: [{ run: { tasks: 1, clues: null } }, { run: { tasks: null, clues: null } }] },
  };
  noteErrors(data, [{ message, path: ['jobs', 'items', 1, 'run', 'tasks'] }]);
  const [good, bad] = data.jobs.items.map(({ run }) => run);
  expect(errorOf(bad, 'tasks')).toBe(`${message} (tasks)`);
  expect(errorOf(bad, 'clues', 'tasks')).toBe(`${message} (tasks)`);
  expect([errorOf(bad, 'clues'), errorOf(good, 'tasks', 'clues')]).toEqual([undefined, undefined]);
  expect(errorOf(null as { tasks: null } | null, 'tasks')).toBeUndefined();
  expect(countErrors(data)).toBe(1);
});

it('an error of a field that cannot be null is found at the parent that became null', () => {
  const data = { job: { name: 'Crawl', run: null } };
  noteErrors(data, [{ message, path: ['job', 'run', 'agent', 'name'] }]);
  expect(errorOf(data.job, 'run')).toBe(`${message} (run)`);
});

it('items that became null are left out, and counted', () => {
  const data = { jobs: { items: [null, { id: 'a' }, null] } };
  noteErrors(data, [
    { message, path: ['jobs', 'items', 0, 'priority'] },
    { message, path: ['jobs', 'items', 2, 'priority'] },
  ]);
  expect(data.jobs.items).toEqual([{ id: 'a' }]);
  expect(errorOf(data.jobs, 'items')).toBe(`2 of 3 cannot be shown: ${message} (items)`);
});

it('several errors of one object are kept apart', () => {
  const data = { run: { tasks: null, clues: null } };
  noteErrors(data, [
    { message: 'one', path: ['run', 'tasks'] },
    { message: 'two', path: ['run', 'clues'] },
  ]);
  expect([errorOf(data.run, 'tasks'), errorOf(data.run, 'clues')]).toEqual([
    'one (tasks)',
    'two (clues)',
  ]);
  expect(countErrors(data)).toBe(2);
});

it('a response fails as a whole where nothing of it can be shown', () => {
  const failure = (data: object | null, code: string, path?: string[]) => {
    try {
      dataOf({ data, errors: [{ message, path, extensions: { code } }] });
    } catch (error) {
      return error instanceof RequestError ? error.trouble : error;
    }
    return 'shown';
  };
  const partial = { job: { run: null } };
  expect(failure(partial, 'NUMBER_TOO_LARGE', ['job', 'run'])).toBe('shown');
  expect(failure(partial, 'FORBIDDEN', ['job', 'run'])).toBe('shown');
  // Another request may get all of it.
  expect(failure(partial, 'DATABASE_UNAVAILABLE', ['job', 'run'])).toBe('offline');
  expect(failure(partial, 'UNAUTHENTICATED', ['job', 'run'])).toBe('signed-out');
  // That there is no job would be another statement.
  expect(failure({ job: null }, 'INTERNAL', ['job'])).toBe('server');
  expect(failure(null, 'INTERNAL', ['job'])).toBe('server');
  expect(failure(partial, 'INTERNAL')).toBe('server');
});
