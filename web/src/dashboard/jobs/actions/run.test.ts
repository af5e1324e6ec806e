import { expect, it } from 'vitest';
import { Run, type Send } from './run';

const batches = (...own: string[][]) => ({ next: async () => own.shift() });
const fine = { refusal: null };
const over = { refusal: { code: 'NOT_FINISHED', message: 'not finished' } };

it('a run hands on every batch of every source and counts what was refused by its code', async () => {
  const sent: string[] = [];
  const send: Send = async (ids) => {
    sent.push(...ids);
    return ids.map((id) => (id === 'b' || id === 'd' ? over : fine));
  };
  const run = new Run([batches(['a', 'b'], ['c']), batches(), batches(['d'])], send);
  await run.start();
  expect(sent).toEqual(['a', 'b', 'c', 'd']);
  expect(run.get()).toEqual({
    status: 'finished',
    done: 2,
    refused: [{ ...over.refusal, n: 2 }],
    error: undefined,
  });
});

it('a stop lets the batch that was sent end, and sends no other', async () => {
  const sent: string[] = [];
  let answer = () => {};
  const send: Send = (ids) => {
    sent.push(...ids);
    return new Promise((resolve) => {
      answer = () => resolve(ids.map(() => fine));
    });
  };
  const run = new Run([batches(['a', 'b'], ['c'])], send);
  const end = run.start();
  await expect.poll(() => sent).toEqual(['a', 'b']);
  run.stop();
  expect(run.get().status).toBe('stopping');
  answer();
  await end;
  expect(run.get()).toMatchObject({ status: 'stopped', done: 2 });
  expect(sent).toEqual(['a', 'b']);
});

it('a stop while the next jobs are looked up sends none of them', async () => {
  let found = (_: string[]) => {};
  const next = () =>
    new Promise<string[]>((resolve) => {
      found = resolve;
    });
  const send: Send = async () => expect.unreachable();
  const run = new Run([{ next }], send);
  const end = run.start();
  run.stop();
  found(['a']);
  await end;
  expect(run.get()).toMatchObject({ status: 'stopped', done: 0, error: undefined });
});

it('a run that failed goes on with the batch that had no answer', async () => {
  const sent: string[][] = [];
  const send: Send = async (ids) => {
    sent.push([...ids]);
    if (sent.length === 2) throw new Error('gone');
    return ids.map(() => fine);
  };
  const run = new Run([batches(['a'], ['b'], ['c'])], send);
  await run.start();
  expect(run.get()).toMatchObject({ status: 'failed', done: 1 });
  await run.start();
  expect(sent).toEqual([['a'], ['b'], ['b'], ['c']]);
  expect(run.get()).toMatchObject({ status: 'finished', done: 3, error: undefined });
});
