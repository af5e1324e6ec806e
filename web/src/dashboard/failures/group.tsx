import type { failureGroup } from '../data/failure-documents';
import type { ResultOf } from '../data/graphql';
import { nameOf } from '../data/hooks';
import { useMayAct } from '../data/principal';
import { count } from '../format/number';
import { t } from '../i18n';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { Ago, Moment } from '../ui/time';
import { Cause } from './cause';
import { Trend } from './trend';

export type Group = ResultOf<typeof failureGroup>;

/** So many configurations of a group are named. */
const NAMED = 3;

export interface GroupActions {
  retry(group: Group): void;
  acknowledge(group: Group): void;
  reopen(group: Group): void;
}

/** A failure group as a row of the table. */
export function GroupRow({
  group,
  listOf,
  retry,
  acknowledge,
  reopen,
}: {
  group: Group;
  /** The address of the group's jobs, or of those of one configuration. */
  listOf(group: Group, configurationId?: string): string;
} & GroupActions) {
  const mayAct = useMayAct();
  const { title, sampleMessage, jobCount, byConfiguration, acknowledgement } = group;
  const others = byConfiguration.length - NAMED;
  return (
    <tr>
      <th scope="row" className="cause">
        <AppLink to={listOf(group)} className="row-link mono">
          <Cause title={title} />
        </AppLink>
        {sampleMessage && sampleMessage !== title && (
          <span className="muted sub sample" title={sampleMessage}>
            {sampleMessage}
          </span>
        )}
        <ul className="sources" aria-label={t.failures.sources}>
          {byConfiguration.slice(0, NAMED).map(({ configuration, count: n }) => (
            <li key={configuration?.id ?? ''}>
              {configuration ? (
                <AppLink to={listOf(group, configuration.id)} className="plain">
                  {nameOf(configuration)}
                </AppLink>
              ) : (
                t.jobs.noConfiguration
              )}{' '}
              <span className="muted">{count(n)}</span>
            </li>
          ))}
          {others > 0 && <li className="muted">{t.failures.moreSources(others)}</li>}
        </ul>
        {acknowledgement && (
          <p className="acknowledged">
            <icons.check width={13} height={13} />
            <span>
              {t.failures.acknowledgedBy(acknowledgement.by, <Ago at={acknowledgement.at} />)}
              {acknowledgement.note && `: ${acknowledgement.note}`}
            </span>
          </p>
        )}
      </th>
      <td className="trend-cell" data-label={t.failures.trend}>
        <Trend days={group.perDay} />
      </td>
      <td className="number jobs-cell" data-label={t.failures.jobs}>
        <AppLink
          to={listOf(group)}
          className="plain toned"
          aria-label={t.failures.jobsOf(count(jobCount), title)}
        >
          {count(jobCount)}
        </AppLink>
      </td>
      <td data-label={t.failures.lastSeen}>
        <Ago at={group.lastSeen} />
      </td>
      <td data-label={t.failures.firstSeen}>
        <Moment at={group.firstSeen} />
      </td>
      <td className="group-tools">
        {mayAct && (
          <span className="tools">
            <button type="button" className="button" onClick={() => retry(group)}>
              <icons.retry /> {t.actions.retry}
            </button>
            {acknowledgement ? (
              <button type="button" className="button is-quiet" onClick={() => reopen(group)}>
                {t.failures.reopen}
              </button>
            ) : (
              <button type="button" className="button is-quiet" onClick={() => acknowledge(group)}>
                {t.failures.acknowledge}…
              </button>
            )}
          </span>
        )}
      </td>
    </tr>
  );
}
