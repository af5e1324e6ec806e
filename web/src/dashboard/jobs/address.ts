/** The filter of the list as the page's address has it: a link shows the same. */

import { isUuid } from '../data/ids';
import { states as allStates } from '../data/states';
import type { JobState } from '../data/types';
import { formatLength, parseLength } from '../format/length';
import { t } from '../i18n';
import {
  type Filter,
  losses,
  pageSizes,
  ranges,
  sortKeys,
  TEXT_LENGTH,
  type Time,
  times,
  usualSort,
} from './filter';

/** A parameter of an address that is not understood. */
export interface Ignored {
  name: string;
  value: string;
  /** What would be understood. */
  hint: string;
}

const names = [
  'state',
  'not-state',
  'scheduled',
  'configuration',
  'agent',
  'provider',
  'priority',
  'q',
  'message',
  'processing',
  'failure-group-id',
  ...times,
  'min-duration',
  'max-duration',
  'sort',
  'page',
  'size',
  'columns',
] as const;
type Name = (typeof names)[number];

/** Parameters that may be repeated. */
const lists: readonly Name[] = ['state', 'not-state', 'configuration', 'agent', 'provider'];

/** A state as addresses have it. */
const slugOf = (state: JobState) => state.toLowerCase().replaceAll('_', '-');

/** `ExecutionCompleted`, `EXECUTION_COMPLETED` and `execution-completed` are the same word. */
const wordOf = (text: string) => text.toLowerCase().replace(/[-_\s]/g, '');

const statesByWord = new Map<string, JobState>([
  ...allStates.map(({ state }) => [wordOf(state), state] as const),
  ['canceled', 'CANCELLED'],
  ['canceling', 'CANCELLING'],
]);

const switches = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

function numberOf(text: string): number | undefined {
  const n = Number(text);
  return Number.isSafeInteger(n) && n > 0 ? n : undefined;
}

/** Priorities are whole numbers of 32 bits. */
const priorityOf = (text: string): number | undefined =>
  /^-?\d{1,10}$/.test(text) && Math.abs(Number(text)) < 2 ** 31 ? Number(text) : undefined;

/** Reads one of some words, in upper or lower case. */
const oneOf =
  <T extends string>(options: readonly T[]) =>
  (text: string): T | undefined =>
    options.find((each) => each === text.toLowerCase());

const listed = (options: readonly (string | number)[]) =>
  t.filters.expected.oneOf(options.join(', '));

type RangeOfTime = Pick<Filter, 'range' | 'from' | 'to'>;

/** Reads a range: `today`, or from when to when, as in `2026-05-01..2026-05-02`. */
function rangeOf(text: string): RangeOfTime | undefined {
  const range = oneOf(ranges)(text);
  if (range) return { range, from: undefined, to: undefined };
  const [from = '', to = '', ...more] = text.split('..');
  const isMoment = (each: string) => !each || !Number.isNaN(Date.parse(each));
  if (!text.includes('..') || more.length > 0 || !isMoment(from) || !isMoment(to)) return undefined;
  const moment = (each: string) => (each ? new Date(each).toISOString() : undefined);
  return from || to ? { range: undefined, from: moment(from), to: moment(to) } : undefined;
}

/** Reads an address: its filter, and the parameters that are not understood. */
export function readAddress(query: string): { filter: Filter; ignored: Ignored[] } {
  const ignored: Ignored[] = [];
  const values = new Map<Name, string[]>();
  for (const [given, value] of new URLSearchParams(query)) {
    // `failureGroupId`, as the API has it, is the same word.
    const name = names.find((each) => wordOf(each) === wordOf(given));
    if (!name) ignored.push({ name: given, value, hint: t.filters.available(names.join(', ')) });
    else if (values.has(name) && !lists.includes(name)) {
      ignored.push({ name, value, hint: t.filters.twice(name) });
    } else values.set(name, [...(values.get(name) ?? []), value]);
  }
  const parsed = <T>(
    name: Name,
    text: string,
    parse: (text: string) => T | undefined,
    expected: string,
  ) => {
    const value = parse(text);
    const hint = t.filters.mustBe(name, expected);
    if (value === undefined) ignored.push({ name, value: text, hint });
    return value;
  };
  const textOf = (name: Name) => (values.get(name)?.[0] ?? '').slice(0, TEXT_LENGTH);
  const read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string) => {
    const text = values.get(name)?.[0];
    return text ? parsed(name, text, parse, expected) : undefined;
  };
  /** The parts between commas, each once. */
  const readAll = <T>(name: Name, parse: (text: string) => T | undefined, expected: string) => {
    const texts = (values.get(name) ?? []).flatMap((text) => text.split(',')).filter(Boolean);
    const all = texts.map((text) => parsed(name, text, parse, expected));
    return [...new Set(all)].filter((each) => each !== undefined);
  };

  const readStates = (name: Name) => {
    const named = readAll(
      name,
      (text) => statesByWord.get(wordOf(text)),
      listed(allStates.map((info) => slugOf(info.state))),
    );
    return allStates.map(({ state }) => state).filter((state) => named.includes(state));
  };
  const readIds = (name: Name) =>
    readAll(name, (text) => (isUuid(text) ? text : undefined), t.filters.expected.id);
  const readLength = (name: Name) => read(name, parseLength, t.filters.expected.length);

  let time: Time | undefined;
  let range: RangeOfTime | undefined;
  for (const each of times) {
    const found = read(each, rangeOf, t.filters.expected.range(ranges.join(', ')));
    if (!found) continue;
    // The page has one range.
    const value = values.get(each)?.[0] ?? '';
    if (time) ignored.push({ name: each, value, hint: t.filters.notWith(each, time) });
    else [time, range] = [each, found];
  }
  const size = (text: string) => pageSizes.find((each) => String(each) === text);
  const columns = values.get('columns')?.[0];
  const filter = {
    states: readStates('state'),
    excludedStates: readStates('not-state'),
    isScheduled:
      read('scheduled', (text) => switches.get(text.toLowerCase()), listed([1, 0])) ?? false,
    configurationIds: readIds('configuration'),
    agentIds: readIds('agent'),
    // Each as it is: a provider's name may have commas.
    providers: [...new Set(values.get('provider'))].filter(Boolean),
    priority: read('priority', priorityOf, t.filters.expected.priority),
    search: textOf('q'),
    message: textOf('message'),
    failureGroupId: read(
      'failure-group-id',
      (text) => (isUuid(text) ? text : undefined),
      t.filters.expected.id,
    ),
    processing: read('processing', oneOf(losses), listed(losses)),
    time,
    range: range?.range,
    from: range?.from,
    to: range?.to,
    minDuration: readLength('min-duration'),
    maxDuration: readLength('max-duration'),
    sort: read('sort', oneOf(sortKeys), listed(sortKeys)),
    // The API counts pages with 32 bits.
    page: Math.min(read('page', numberOf, t.filters.expected.page) ?? 1, 10_000_000),
    take: read('size', size, listed(pageSizes)) ?? 50,
    columns: columns?.split(',').filter(Boolean),
  };
  return { filter, ignored };
}

export const parseFilter = (query: string): Filter => readAddress(query).filter;

/** The same as an address, without what is as usual. */
export function formatFilter(filter: Filter): string {
  const params = new URLSearchParams();
  const set = (name: Name, value: string | number | undefined) => {
    if (value !== undefined && value !== '') params.set(name, String(value));
  };
  const length = (ms: number | undefined) => (ms === undefined ? undefined : formatLength(ms));
  set('state', filter.states.map(slugOf).join(','));
  set('not-state', filter.excludedStates.map(slugOf).join(','));
  set('scheduled', filter.isScheduled ? 1 : undefined);
  set('configuration', filter.configurationIds.join(','));
  set('agent', filter.agentIds.join(','));
  for (const provider of filter.providers) params.append('provider', provider);
  set('priority', filter.priority);
  set('q', filter.search);
  set('message', filter.message);
  set('processing', filter.processing);
  set('failure-group-id', filter.failureGroupId);
  const { time, range, from, to } = filter;
  if (time) set(time, range ?? (from || to ? `${from ?? ''}..${to ?? ''}` : undefined));
  set('min-duration', length(filter.minDuration));
  set('max-duration', length(filter.maxDuration));
  set('sort', filter.sort === usualSort(filter) ? undefined : filter.sort);
  set('page', filter.page > 1 ? filter.page : undefined);
  set('size', filter.take === 50 ? undefined : filter.take);
  if (filter.columns) params.set('columns', filter.columns.join(','));
  // Commas need no escape in a query, and links are read by people.
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text ? `?${text}` : '';
}
