import type { ReactNode } from 'react';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { about, relative } from '../format/duration';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { Ago, FullMoment } from '../ui/time';

interface Props {
  job: JobDetail;
  run: FullRun | null | undefined;
  state: JobState;
  isCurrent: boolean;
}

/** What somebody has to know first; nothing if there is no such thing. */
export function Banner({ job, run, state, isCurrent }: Props) {
  const messages: ReactNode[] = [];
  const add = (tone: string, Sign: (typeof icons)['warning'], text: ReactNode) => {
    messages.push(
      <div key={messages.length} className={`banner tone-${tone}`}>
        <Sign />
        <div>{text}</div>
      </div>,
    );
  };
  if (!isCurrent) {
    add(
      'queued',
      icons.info,
      t.banner.earlierRun(<AppLink to={`/jobs/${job.id}`}>{t.banner.currentRun}</AppLink>),
    );
  }
  if (state === 'FAILED') {
    add(
      'failed',
      icons.warning,
      <>
        <b>{t.banner.failed}</b>
        <p className="banner-message">{run?.agentResultMessage ?? t.banner.noMessage}</p>
      </>,
    );
  }
  if (run?.processingState === 'FAILED') {
    add('failed', icons.warning, <b>{t.banner.processingFailed}</b>);
  }
  const isAsked = run?.agentResultIsCancellationRequested && isCurrent;
  if (isAsked && (state === 'CANCELLING' || state === 'EXECUTING')) {
    const asked = job.history.findLast((change) => change.state === 'CANCELLING');
    add(
      'cancelling',
      icons.stop,
      <>
        {t.banner.cancelling(asked && <Ago at={asked.at} />)}
        {asked?.message && <p className="banner-message">{asked.message}</p>}
      </>,
    );
  }
  if (run?.isStale) {
    add('cancelling', icons.warning, <Silence since={run.updateDate} />);
  }
  if (state === 'QUEUED' && job.scheduledDate && Date.parse(job.scheduledDate) > Date.now()) {
    add(
      'queued',
      icons.calendar,
      t.banner.scheduled(<FullMoment at={job.scheduledDate} />, <Ago at={job.scheduledDate} />),
    );
  }
  return messages.length > 0 ? <div className="banners">{messages}</div> : null;
}

function Silence({ since }: { since: string | null }) {
  const now = useNow();
  if (!since) return t.banner.neverReported;
  const at = Date.parse(since);
  return t.banner.silent(about(now - at), relative(at, now));
}
