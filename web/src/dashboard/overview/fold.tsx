import { Suspense, useState } from 'react';
import { t } from '../i18n';
import type { Filter } from '../jobs/filter';
import { StatisticsOf } from '../pages';
import { Skeleton } from '../ui/skeleton';

/** The statistics of a configuration or an agent. Their code and data are loaded when it is opened. */
export function StatisticsFold({
  subject,
}: {
  subject: Partial<Pick<Filter, 'configurationIds' | 'agentIds'>>;
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t.overview.statistics}</summary>
      {isOpen && (
        <Suspense fallback={<Skeleton rows={6} height={64} />}>
          <StatisticsOf subject={subject} />
        </Suspense>
      )}
    </details>
  );
}
