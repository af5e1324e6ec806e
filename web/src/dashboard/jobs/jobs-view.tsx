import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { errorOf } from '../data/errors';
import {
  nameOf,
  useAgentNames,
  useConfigurationNames,
  useCounts,
  useFailureGroupTitle,
} from '../data/hooks';
import { useMayAct } from '../data/principal';
import { textOf } from '../data/states';
import type { Counts, JobState, ListedJob } from '../data/types';
import { count } from '../format/number';
import { zoneOf } from '../format/time';
import { t } from '../i18n';
import { useFollowCounts } from '../live/hooks';
import { QueueDialog } from '../pages';
import { changeSettings, useSettings } from '../settings/settings';
import { Empty, Failure } from '../ui/empty';
import { icons } from '../ui/icons';
import { Menu } from '../ui/picker';
import { Skeleton } from '../ui/skeleton';
import { type Action, ActionDialog, type ChosenJob, presentState, type Request } from './actions';
import { inClaimOrder } from './claim-order';
import { ColumnsMenu } from './columns-menu';
import { describe } from './describe';
import { ExportButton } from './export-button';
import { conditionsOf, type Filter, isNarrowed, sortOf, viewOf, views } from './filter';
import { Filters, SortMenu } from './filters';
import { IgnoredFilters } from './ignored';
import { Pager } from './pager';
import { JobTable } from './table';
import { Tiles } from './tiles';
import { useFilter } from './use-filter';
import { useJobList } from './use-list';

interface Props {
  /** On the page of one configuration or agent, its id. */
  fixed?: { configurationIds: readonly string[] } | { agentIds: readonly string[] };
  /** Counts from elsewhere, where the counters cannot tell. */
  counts?: Partial<Counts> | undefined;
  /** Whose jobs they are. */
  of?: string;
}

type Selection = ReadonlyMap<string, ListedJob>;
const nothing: Selection = new Map();

/** The list of jobs with all that narrows it down and all that can be done to it. */
export function JobsView({ fixed, counts: given, of }: Props) {
  const settings = useSettings();
  const mayAct = useMayAct();
  const { filter: own, ignored, change } = useFilter();
  // A link's columns go before those that were chosen last.
  const filter = useMemo<Filter>(
    () => ({ ...own, columns: own.columns ?? settings.columns, ...fixed }),
    [own, settings.columns, fixed],
  );
  const about = fixed && ('agentIds' in fixed ? 'agent' : 'configuration');
  // The counters are of one configuration, or of all.
  const [only, ...others] = filter.configurationIds;
  const configurationId = others.length === 0 ? (only ?? null) : null;
  useFollowCounts(configurationId);
  const known = useCounts(configurationId);
  const counts = given ?? known.data;
  const [selected, setSelected] = useState<Selection>(nothing);
  const [asked, setAsked] = useState<Request>();
  const [isQueueing, setQueueing] = useState(false);
  const list = useJobList(filter, known.data, selected.size > 0 || asked !== undefined);
  const configurations = useConfigurationNames(filter.configurationIds.length > 0);
  const agents = useAgentNames(filter.agentIds.length > 0);
  const failureGroup = useFailureGroupTitle(filter.failureGroupId);

  const select = useCallback((jobs: readonly ListedJob[], isSelected: boolean) => {
    setSelected((before) => {
      const after = new Map(before);
      for (const job of jobs) {
        if (isSelected) after.set(job.id, job);
        else after.delete(job.id);
      }
      return after;
    });
  }, []);
  const clear = useCallback(() => setSelected(nothing), []);
  // A selection is of one list. Another page of it, or another order, is still the same.
  const { page: _, take: __, sort: ___, columns: ____, ...narrowing } = filter;
  const key = JSON.stringify(narrowing);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the key changes.
  useEffect(clear, [clear, key]);
  useEscape(selected.size > 0 ? clear : undefined);
  const act = useCallback((action: Action, job: ListedJob) => {
    setAsked({ action, target: { jobs: [chosen(job)] } });
  }, []);
  const actOnAll = (action: Action) =>
    setAsked({
      action,
      target: {
        conditions: conditionsOf(filter, settings, Date.now()),
        isScheduled: filter.isScheduled,
        scope: describe(filter, settings, {
          configurations: configurations.data,
          agents: agents.data,
          failureGroup,
        }),
      },
    });

  const page = list.data;
  const missing = errorOf(page, 'items');
  const onPage = new Map(page?.items.map((job) => [job.id, job]));
  const elsewhere = [...selected.values()].filter(({ id }) => !onPage.has(id));
  const actOnSelected = (action: Action) => {
    // As they are listed now, which may be later than when they were ticked.
    const jobs = [...selected.values()].map((job) => chosen(onPage.get(job.id) ?? job));
    setAsked({ action, target: { jobs } });
  };
  const isEmpty = page?.items.length === 0 && !missing;
  const view = viewOf(filter);
  const isNext = view === 'next' && sortOf(filter) === 'due';
  const listed = useMemo(() => {
    if (!page || !isNext || filter.page > 1) return page?.items ?? [];
    return inClaimOrder(page.items, page.pageCount <= 1, Date.now());
  }, [page, isNext, filter.page]);
  const total = page && `${count(page.totalCount)}${page.totalCountIsExact ? '' : '+'}`;
  const textOfTotal = page && t.jobs.found(total ?? '', page.totalCount);
  const owner = of ?? configurations.data?.find(({ id }) => id === configurationId)?.name;
  return (
    <>
      <Tiles
        counts={counts}
        of={owner}
        chosen={filter.isScheduled ? ['QUEUED', 'EXECUTING'] : filter.states}
        choose={(states) => change({ states, excludedStates: [], isScheduled: false })}
      />
      <div className="list-head">
        <nav className="views" aria-label={t.jobs.viewsLabel}>
          {views.map(({ key, states, isScheduled }) => (
            <button
              key={key}
              type="button"
              className="view"
              title={hintOf(states, isScheduled)}
              aria-current={key === view ? 'true' : undefined}
              onClick={() => change({ states, excludedStates: [], isScheduled })}
            >
              {t.jobs.views[key]}
            </button>
          ))}
        </nav>
        <p className="list-count">
          {page
            ? t.jobs.total(<b>{total}</b>, page.totalCount)
            : !list.isError && <span className="muted">{t.common.loading}</span>}
        </p>
        <Announcement
          text={page && !list.isPlaceholderData ? textOfTotal : undefined}
          of={`${key} ${filter.page}`}
        />
        {isNarrowed(own) && <p className="muted totals-note">{t.jobs.totalsNote}</p>}
        <button
          type="button"
          className={list.hasNews ? 'news is-shown' : 'news'}
          onClick={list.showNews}
          disabled={!list.hasNews}
          aria-hidden={!list.hasNews}
          tabIndex={list.hasNews ? 0 : -1}
        >
          <icons.retry width={13} height={13} /> {t.jobs.news}
        </button>
        <div className="list-tools">
          <SortMenu sort={sortOf(filter)} change={(sort) => change({ sort })} />
          <ColumnsMenu
            filter={filter}
            fixed={about}
            change={(columns) => {
              changeSettings({ columns });
              change({ columns, page: filter.page }, true);
            }}
          />
          <ExportButton filter={filter} />
          {mayAct && (
            <button type="button" className="filter" onClick={() => setQueueing(true)}>
              <icons.plus width={14} height={14} /> <span>{t.actions.queue}</span>
            </button>
          )}
          {mayAct && (
            <Menu label={t.actions.bulk} icon={<icons.more width={14} height={14} />}>
              <div className="checks">
                <button type="button" className="option" onClick={() => actOnAll('retry')}>
                  <icons.retry width={14} height={14} /> {t.actions.retryAll}
                </button>
                <button type="button" className="option" onClick={() => actOnAll('cancel')}>
                  <icons.stop width={14} height={14} /> {t.actions.cancelAll}
                </button>
              </div>
            </Menu>
          )}
        </div>
      </div>
      <Filters filter={filter} change={change} fixed={about} />
      <IgnoredFilters ignored={ignored} dismiss={() => change({ page: own.page }, true)} />
      {missing && (
        <p className="problem" role="status">
          <icons.warning /> {missing}
        </p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only notes that the user is active. */}
      <div className="list" onPointerMove={list.touch} onWheel={list.touch} onKeyDown={list.touch}>
        {page && !isEmpty && (
          <JobTable
            jobs={listed}
            filter={filter}
            fixed={about}
            sortBy={(sort) => change({ sort })}
            selected={selected}
            select={select}
            act={act}
            isStale={list.isPlaceholderData}
          />
        )}
        {!page && list.isPending && <Skeleton rows={14} height={49} />}
        {!page && list.isError && <Failure error={list.error} retry={() => list.refetch()} />}
        {isEmpty && <Nothing filter={filter} isNarrowed={isNarrowed(own)} change={change} />}
      </div>
      {page && (page.pageCount > 1 || filter.page > 1 || filter.take !== 50) && (
        <Pager
          filter={filter}
          change={change}
          pageCount={page.pageCount}
          hasMore={!page.totalCountIsExact}
        />
      )}
      <p className="zone-note muted">
        {isNext && `${t.jobs.claimOrder} `}
        {t.jobs.zone(zoneOf(settings))}
      </p>
      {selected.size > 0 && (
        <section className="selection" aria-label={t.jobs.selection}>
          <b>{t.jobs.selected(selected.size)}</b>
          {elsewhere.length > 0 && (
            <span className="selection-note">
              {t.jobs.selectedElsewhere(elsewhere.length)}
              <button
                type="button"
                className="button is-quiet"
                onClick={() => select(elsewhere, false)}
              >
                {t.jobs.clearElsewhere}
              </button>
            </span>
          )}
          {mayAct &&
            (['retry', 'cancel'] as const).map((action) => {
              const Sign = action === 'retry' ? icons.retry : icons.stop;
              return (
                <button
                  key={action}
                  type="button"
                  className="button"
                  onClick={() => actOnSelected(action)}
                >
                  <Sign /> {t.actions[action]}
                </button>
              );
            })}
          <button type="button" className="button is-quiet selection-clear" onClick={clear}>
            <icons.cross width={14} height={14} />
            <span>{t.jobs.clearSelection}</span>
          </button>
        </section>
      )}
      {isQueueing && (
        <Suspense>
          <QueueDialog
            like={{ configurationId: configurationId ?? undefined }}
            close={() => setQueueing(false)}
          />
        </Suspense>
      )}
      {asked && (
        <Suspense>
          <ActionDialog
            {...asked}
            named={filter.states}
            close={() => setAsked(undefined)}
            done={clear}
          />
        </Suspense>
      )}
    </>
  );
}

const chosen = (job: ListedJob): ChosenJob => ({
  id: job.id,
  name: nameOf(job),
  configuration: job.configuration ? nameOf(job.configuration) : undefined,
  started: job.currentRun?.agentStartTime,
  state: presentState(job),
  scheduledDate: job.scheduledDate,
});

/** What a view has: its states by their names. */
function hintOf(states: readonly JobState[], isScheduled: boolean): string | undefined {
  if (isScheduled) return textOf('SCHEDULED').hint;
  return states.map((state) => textOf(state).label).join(', ') || undefined;
}

/**
 * Tells screen readers how many jobs there are once their user has changed what is listed. A list
 * that changes by itself is not read out.
 */
function Announcement({ text, of }: { text: string | undefined; of: string }) {
  const told = useRef(of);
  const [said, say] = useState('');
  useEffect(() => {
    if (text === undefined || told.current === of) return;
    told.current = of;
    say(text);
  }, [text, of]);
  return (
    <p className="hidden" role="status">
      {said}
    </p>
  );
}

/** Calls this when Escape is pressed and nothing is open that it would close. */
function useEscape(escaped: (() => void) | undefined): void {
  useEffect(() => {
    if (!escaped) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      if (document.querySelector('dialog[open], .popover, .menu')) return;
      if (event.target instanceof Element && event.target.matches('input:not([type=checkbox])')) {
        return;
      }
      escaped();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [escaped]);
}

function Nothing({
  filter,
  isNarrowed,
  change,
}: {
  filter: Filter;
  isNarrowed: boolean;
  change(change: Partial<Filter>): void;
}) {
  const view = viewOf(filter);
  if (filter.page > 1) {
    return (
      <Empty title={t.pager.notFound}>
        <button type="button" className="button" onClick={() => change({ page: 1 })}>
          {t.pager.first}
        </button>
      </Empty>
    );
  }
  if (!isNarrowed && view === 'running') {
    return (
      <Empty title={t.jobs.noneRunning} sign={<icons.check width={28} height={28} />}>
        <p>{t.jobs.noneRunningHint}</p>
      </Empty>
    );
  }
  if (!isNarrowed && view === 'all') {
    return (
      <Empty title={t.jobs.none}>
        <p>{t.jobs.noneHint(<code>agent-jobs import</code>, <code>queueJobs</code>)}</p>
      </Empty>
    );
  }
  const { search } = filter;
  return (
    <Empty title={t.jobs.noMatch} sign={<icons.search width={28} height={28} />}>
      <p>{t.jobs.noMatchHint}</p>
      {search && !filter.message && (
        <button
          type="button"
          className="button"
          onClick={() => change({ search: '', message: search })}
        >
          {t.jobs.searchMessages(search)}
        </button>
      )}
    </Empty>
  );
}
