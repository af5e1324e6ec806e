import { useQuery } from '@tanstack/react-query';
import { request } from '../data/client';
import { sameFailure } from '../data/documents';
import type { ResultOf } from '../data/graphql';
import type { FullRun } from '../data/types';
import { since } from '../format/time';
import { t } from '../i18n';
import { formatFilter, parseFilter } from '../jobs/address';
import { useSettings } from '../settings/settings';
import { AppLink } from '../ui/link';

type Group = NonNullable<NonNullable<ResultOf<typeof sameFailure>['jobRun']>['failureGroup']>;

/** How many other jobs failed for the same reason, with a link to them. */
export function SameFailure({ run }: { run: Pick<FullRun, 'id'> }) {
  const settings = useSettings();
  const { data: group } = useQuery<Group | null>({
    queryKey: ['same-failure', run.id],
    // It is assigned soon after the failure.
    refetchInterval: ({ state }) => (state.data ? false : 5_000),
    queryFn: async ({ signal }) =>
      (await request(sameFailure, { id: run.id }, signal)).jobRun?.failureGroup ?? null,
  });
  if (!group) return null;
  const { id: failureGroupId, jobCount, firstSeen, acknowledgement } = group;
  const filter = formatFilter({ ...parseFilter(''), states: ['FAILED'], failureGroupId });
  return (
    <p className="same-failure">
      {jobCount > 1 ? (
        <AppLink to={`/${filter}`}>
          {t.failures.same(jobCount, firstSeen && since(firstSeen, settings, Date.now()))}
        </AppLink>
      ) : (
        <span className="muted">{t.failures.only}</span>
      )}
      {acknowledgement && (
        <span className="muted">
          {t.failures.acknowledgedShort(acknowledgement.by)}
          {acknowledgement.note && `: ${acknowledgement.note}`}
        </span>
      )}
    </p>
  );
}
