import '../styles/failures.css';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Suspense, useState } from 'react';
import { useSearchParams } from 'wouter';
import { request } from '../data/client';
import { failureGroups } from '../data/failure-documents';
import type { ResultOf, VariablesOf } from '../data/graphql';
import { useConfigurationNames } from '../data/hooks';
import { isUuid } from '../data/ids';
import { t } from '../i18n';
import { ActionDialog } from '../jobs/actions';
import { formatFilter, parseFilter } from '../jobs/address';
import { describe } from '../jobs/describe';
import { conditionsOf } from '../jobs/filter';
import { useEvery } from '../live/hooks';
import { useSettings } from '../settings/settings';
import { usePageTitle } from '../shell/title';
import { Empty, Failure } from '../ui/empty';
import { icons } from '../ui/icons';
import { Picker } from '../ui/picker';
import { Skeleton } from '../ui/skeleton';
import { useTyped } from '../ui/use-typed';
import { AcknowledgeDialog, useAcknowledgement } from './acknowledge';
import { type Group, type GroupActions, GroupRow } from './group';

type GroupPage = ResultOf<typeof failureGroups>['failureGroups'];
type Variables = VariablesOf<typeof failureGroups>;
type Conditions = NonNullable<Variables['filter']>;
type Order = NonNullable<Variables['orderBy']>;

/** The orders, as addresses have them. */
const orders = { last: 'LAST_SEEN', first: 'FIRST_SEEN', jobs: 'JOB_COUNT' } as const;
type OrderKey = keyof typeof orders;
const isOrder = (text: string | null): text is OrderKey => Object.hasOwn(orders, text ?? '');

function useGroups(filter: Conditions, orderBy: Order, isEnabled: boolean) {
  return useInfiniteQuery({
    queryKey: ['failure-groups', filter, orderBy],
    enabled: isEnabled,
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(10_000),
    initialPageParam: null as string | null,
    getNextPageParam: ({ pageInfo }: GroupPage) =>
      pageInfo.hasNextPage ? pageInfo.endCursor : undefined,
    queryFn: async ({ pageParam, signal }): Promise<GroupPage> => {
      const variables = { filter, orderBy, after: pageParam };
      return (await request(failureGroups, variables, signal)).failureGroups;
    },
  });
}

/** Failed jobs by their cause. */
export function FailuresPage() {
  usePageTitle(t.failures.title);
  const settings = useSettings();
  const [params, setParams] = useSearchParams();
  const [isAcknowledgedShown, showAcknowledged] = useState(false);
  const [retried, setRetried] = useState<Group>();
  const [acknowledging, setAcknowledging] = useState<Group>();
  const { reopen } = useAcknowledgement();
  const wanted = params.get('order');
  const order: OrderKey = isOrder(wanted) ? wanted : 'last';
  const search = params.get('q') ?? '';
  const configurationIds = (params.get('configuration') ?? '').split(',').filter(isUuid);
  const [isAsked, setAsked] = useState(configurationIds.length > 0);
  const configurations = useConfigurationNames(isAsked);
  const set = (name: string, value: string) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value) after.set(name, value);
        else after.delete(name);
        return after;
      },
      { replace: true },
    );

  const filter = { search: search || null, configurationIds };
  const open = useGroups({ ...filter, isAcknowledged: false }, orders[order], true);
  const known = useGroups({ ...filter, isAcknowledged: true }, orders[order], true);
  const acknowledgedCount = known.data?.pages[0]?.totalCount ?? 0;
  const isNarrowed = Boolean(search) || configurationIds.length > 0;
  const first = open.data?.pages[0];

  /** The failed jobs of a group, as far as this page is about them. */
  const jobsOf = (group: Group, configurationId?: string) => ({
    ...parseFilter(''),
    states: ['FAILED' as const],
    configurationIds: configurationId ? [configurationId] : configurationIds,
    failureGroupId: group.id,
  });
  const actions = {
    listOf: (group: Group, configurationId?: string) =>
      `/${formatFilter(jobsOf(group, configurationId))}`,
    retry: setRetried,
    acknowledge: setAcknowledging,
    reopen: (group: Group) => void reopen(group.id),
  };
  const sort = (by: OrderKey) => set('order', by === 'last' ? '' : by);
  return (
    <>
      <header className="page-head">
        <h1>{t.failures.title}</h1>
        {first && <p className="muted">{t.failures.count(first.totalCount)}</p>}
        <search className="page-filters" aria-label={t.failures.filter}>
          <SearchField text={search} change={(text) => set('q', text)} />
          <Picker
            label={t.filters.configuration}
            find={t.filters.findConfiguration}
            options={configurations.data}
            chosen={configurationIds}
            choose={(ids) => set('configuration', ids.join(','))}
            load={() => setAsked(true)}
            isLoading={configurations.isPending}
          />
        </search>
      </header>
      {!first && open.isError && <Failure error={open.error} retry={() => open.refetch()} />}
      {!first && open.isPending && <Skeleton rows={8} height={76} />}
      {first?.totalCount === 0 &&
        (isNarrowed ? (
          <Empty title={t.failures.noMatch} sign={<icons.search width={28} height={28} />} />
        ) : (
          <Empty title={t.failures.none} sign={<icons.check width={28} height={28} />}>
            <p>{acknowledgedCount > 0 ? t.failures.noneOpenHint : t.failures.noneHint}</p>
          </Empty>
        ))}
      {first && first.totalCount > 0 && (
        <Groups list={open} order={order} sort={sort} title={t.failures.title} {...actions} />
      )}
      {acknowledgedCount > 0 && (
        <details
          className="fold"
          open={isAcknowledgedShown}
          onToggle={(event) => showAcknowledged(event.currentTarget.open)}
        >
          <summary>{t.failures.acknowledgedCount(acknowledgedCount)}</summary>
          {isAcknowledgedShown && (
            <Groups
              list={known}
              order={order}
              sort={sort}
              title={t.failures.acknowledged}
              {...actions}
            />
          )}
        </details>
      )}
      {retried && (
        <Suspense>
          <ActionDialog
            action="retry"
            target={{
              conditions: conditionsOf(jobsOf(retried), settings, Date.now()),
              isScheduled: false,
              scope: describe(jobsOf(retried), settings, {
                configurations: configurations.data,
                agents: undefined,
                failureGroup: retried.title,
              }),
            }}
            close={() => setRetried(undefined)}
          />
        </Suspense>
      )}
      {acknowledging && (
        <AcknowledgeDialog group={acknowledging} close={() => setAcknowledging(undefined)} />
      )}
    </>
  );
}

function SearchField({ text, change }: { text: string; change(text: string): void }) {
  const [typed, setTyped] = useTyped(text, change);
  return (
    <label className="search">
      <icons.search />
      <span className="hidden">{t.failures.search}</span>
      <input
        className="input"
        type="search"
        data-shortcut="search"
        placeholder={t.failures.search}
        maxLength={200}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </label>
  );
}

function Groups({
  list,
  order,
  sort,
  title,
  ...actions
}: {
  list: ReturnType<typeof useGroups>;
  order: OrderKey;
  sort(by: OrderKey): void;
  title: string;
  listOf(group: Group, configurationId?: string): string;
} & GroupActions) {
  const groups = list.data?.pages.flatMap(({ nodes }) => nodes) ?? [];
  const head = (by: OrderKey, label: string, className?: string) => (
    <th
      scope="col"
      className={className}
      aria-sort={by === order ? 'descending' : undefined}
      key={by}
    >
      <button type="button" className="sort-head" onClick={() => sort(by)}>
        {label}
        {by === order && <icons.down width={12} height={12} />}
      </button>
    </th>
  );
  return (
    <>
      <div className="scroll-x groups" tabIndex={-1}>
        <table className={list.isPlaceholderData ? 'plain-table is-stale' : 'plain-table'}>
          <caption className="hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{t.failures.cause}</th>
              <th scope="col">{t.failures.trend}</th>
              {head('jobs', t.failures.jobs, 'number')}
              {head('last', t.failures.lastSeen)}
              {head('first', t.failures.firstSeen)}
              <th scope="col">
                <span className="hidden">{t.common.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <GroupRow key={group.id} group={group} {...actions} />
            ))}
          </tbody>
        </table>
      </div>
      {list.hasNextPage && (
        <button
          type="button"
          className="button more-groups"
          aria-disabled={list.isFetchingNextPage}
          onClick={() => !list.isFetchingNextPage && list.fetchNextPage()}
        >
          {t.failures.more}
        </button>
      )}
    </>
  );
}
