import { nameOf } from '../data/hooks';
import { isOver } from '../data/states';
import type { JobDetail } from '../data/types';
import { t } from '../i18n';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import { canNotify, follow, unfollow, useFollowed } from './follow';

/** Asks the browser to notify when the job ends. Not there for a job that has ended. */
export function Bell({ job }: { job: JobDetail }) {
  const isFollowed = useFollowed().some(({ id }) => id === job.id);
  if (!canNotify || isOver(job.state)) return null;
  const toggle = async () => {
    if (isFollowed) {
      unfollow(job.id);
    } else if (await follow({ id: job.id, name: nameOf(job) })) {
      say(t.job.willNotify);
    } else {
      say(t.job.notificationsBlocked, true);
    }
  };
  const label = t.job.notify;
  return (
    <button
      type="button"
      className="icon-button"
      aria-pressed={isFollowed}
      title={label}
      onClick={toggle}
    >
      <icons.bell />
      <span className="hidden">{label}</span>
    </button>
  );
}
