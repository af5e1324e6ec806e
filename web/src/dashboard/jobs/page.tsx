import { usePageTitle } from '../shell/title';
import { JobsView } from './jobs-view';

export function JobsPage() {
  usePageTitle('Jobs');
  return (
    <>
      <h1 className="hidden">Jobs</h1>
      <JobsView />
    </>
  );
}
