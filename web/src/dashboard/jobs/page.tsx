import { t } from '../i18n';
import { usePageTitle } from '../shell/title';
import { JobsView } from './jobs-view';

export function JobsPage() {
  usePageTitle(t.jobs.title);
  return (
    <>
      <h1 className="hidden">{t.jobs.title}</h1>
      <JobsView />
    </>
  );
}
