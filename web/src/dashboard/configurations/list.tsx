import { useState } from 'react';
import { request } from '../data/client';
import { configurationList } from '../data/documents';
import { nameOf } from '../data/hooks';
import { states, textOf } from '../data/states';
import type { Counts } from '../data/types';
import { count } from '../format/number';
import { t } from '../i18n';
import { StateSign } from '../ui/icons';
import { AppLink } from '../ui/link';
import { ListPage, useWholeList } from '../ui/list-page';
import { usePageNumber } from '../ui/simple-pager';
import { SortHead, type Sorting } from '../ui/sort-head';
import { Ago } from '../ui/time';

/** The states that have a column. */
const counted = states.slice(0, 5);

function latest(moments: readonly (string | null | undefined)[]): string | null {
  return moments.reduce<string | null>((a, b) => (b && (!a || b > a) ? b : a), null);
}

/** A count, or the name. */
type Key = keyof Counts | 'name';

/** All configurations, each with its jobs by state. */
export function ConfigurationsPage() {
  const [, setPage] = usePageNumber();
  const [sorting, setSorting] = useState<Sorting<Key>>({ by: 'name', isDescending: false });
  const list = useWholeList(
    'configurations',
    async (page, signal) => (await request(configurationList, { page }, signal)).configurations,
  );
  const sort = (next: Sorting<Key>) => {
    setSorting(next);
    setPage(1);
  };
  const { by } = sorting;
  return (
    <ListPage
      texts={t.configurations}
      list={list}
      compare={(a, b) => {
        const byName = nameOf(a).localeCompare(nameOf(b));
        const order = by === 'name' ? byName : a.counts[by] - b.counts[by];
        return (sorting.isDescending ? -order : order) || byName;
      }}
      noneHint={t.configurations.noneHint(<code>saveConfiguration</code>)}
    >
      {(shown) => (
        <>
          <Legend of={shown.map(({ counts }) => counts)} />
          <div className="scroll-x has-cards" tabIndex={-1}>
            <table className="plain-table">
              <thead>
                <tr>
                  <SortHead by="name" label={t.configurations.name} sorting={sorting} sort={sort} />
                  <th scope="col" className="counts-head">
                    {t.configurations.jobs}
                  </th>
                  {counted.map(({ state, count: key }) => (
                    <SortHead
                      key={state}
                      by={key}
                      label={
                        <span className="head-state" title={textOf(state).label}>
                          <StateSign state={state} size={13} />
                          <span className="head-label">{textOf(state).label}</span>
                        </span>
                      }
                      className="number"
                      sorting={sorting}
                      sort={sort}
                      startsDescending
                    />
                  ))}
                  <SortHead
                    by="total"
                    label={t.configurations.all}
                    className="number"
                    sorting={sorting}
                    sort={sort}
                    startsDescending
                  />
                  <th scope="col" className="activity">
                    {t.configurations.lastActivity}
                  </th>
                </tr>
              </thead>
              <tbody>
                {shown.map(({ id, name, provider, counts, jobs: [newest] }) => (
                  <tr key={id}>
                    <th scope="row">
                      <AppLink to={`/configurations/${id}`} className="row-link">
                        {nameOf({ id, name })}
                      </AppLink>
                      <span className="muted sub">
                        {provider ?? t.configurations.unknownProvider}
                      </span>
                    </th>
                    <td className="counts-cell">
                      <CountsBar counts={counts} />
                    </td>
                    {counted.map(({ state, count: key }) => (
                      <td key={state} className={`number tone-${state.toLowerCase()}`}>
                        <span className="card-sign">
                          <StateSign state={state} size={13} />
                        </span>
                        {counts[key] > 0 ? (
                          <AppLink
                            to={`/configurations/${id}?state=${state.toLowerCase()}`}
                            className={state === 'FAILED' ? 'plain toned' : 'plain'}
                          >
                            {count(counts[key])}
                          </AppLink>
                        ) : (
                          <span className="muted">0</span>
                        )}
                      </td>
                    ))}
                    <td className="number total">{count(counts.total)}</td>
                    <td className="activity">
                      <Ago at={latest([newest?.createdDate, newest?.updateDate])} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </ListPage>
  );
}

/** How the jobs divide among the states. The numbers beside it say the same. */
function CountsBar({ counts }: { counts: Counts }) {
  return (
    <span className="parts-bar counts-bar" aria-hidden="true">
      {states.map(({ state, count: key }) =>
        counts[key] > 0 ? (
          <span
            key={state}
            className={`part state-${state.toLowerCase()}`}
            style={{ flexGrow: counts[key] }}
          />
        ) : null,
      )}
    </span>
  );
}

/** What the colours of the bars stand for: the states that any of them has. */
function Legend({ of }: { of: readonly Counts[] }) {
  return (
    <ul className="legend counts-legend" aria-hidden="true">
      {states
        .filter(({ count: key }) => of.some((counts) => counts[key] > 0))
        .map(({ state }) => (
          <li key={state}>
            <span className={`swatch state-${state.toLowerCase()}`} />
            {textOf(state).label}
          </li>
        ))}
    </ul>
  );
}
