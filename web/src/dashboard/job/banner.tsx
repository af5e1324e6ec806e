import type { ReactNode } from 'react';
import { isActive, isOver, textOf } from '../data/states';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { about, relative } from '../format/duration';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { Ago, FullMoment, Until } from '../ui/time';
import { Message } from './message';
import { SameFailure } from './same-failure';
import { dueOf } from './use-job';

interface Props {
  job: JobDetail;
  run: FullRun | null | undefined;
  state: JobState;
  isCurrent: boolean;
}

/** What the user has to know first; nothing if there is no such thing. */
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
        {run?.agentResultMessage ? (
          <Message text={run.agentResultMessage} />
        ) : (
          <p className="banner-message">{t.banner.noMessage}</p>
        )}
        {run && isCurrent && <SameFailure run={run} />}
      </>,
    );
  }
  if (state === 'CANCELLED' && isCurrent) {
    const queued = job.history.findLastIndex((change) => change.state === 'QUEUED');
    const changes = job.history.slice(queued + 1);
    const change =
      changes.findLast((each) => each.state === 'CANCELLING') ??
      changes.findLast((each) => each.state === 'CANCELLED');
    if (change) {
      add(
        'cancelled',
        icons.stop,
        <>
          {t.banner.cancelled(
            change.principal ?? t.history.by(change.by),
            <FullMoment at={change.at} />,
          )}
          {change.message && <Message text={change.message} />}
        </>,
      );
    }
  }
  const last = job.runs[0];
  if (state === 'QUEUED' && last && isOver(last.agentState)) {
    add(
      last.agentState === 'FAILED' ? 'failed' : 'queued',
      icons.info,
      <>
        {t.banner.lastRun(textOf(last.agentState).label.toLowerCase())}
        {last.agentResultMessage && last.agentState === 'FAILED' && (
          <Message text={last.agentResultMessage} />
        )}
      </>,
    );
  }
  const due = state === 'QUEUED' ? dueOf(job) : undefined;
  if (due && Date.parse(due) <= Date.now()) {
    add('cancelling', icons.calendar, t.banner.overdue(<Ago at={due} />, job.configuration?.name));
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
  if (run?.isOverdue && !run.isStale && isActive(state)) {
    add('cancelling', icons.clock, <b>{t.banner.longerThanUsual}</b>);
  }
  if (due && Date.parse(due) > Date.now()) {
    add('queued', icons.calendar, t.banner.scheduled(<FullMoment at={due} />, <Until at={due} />));
  }
  return messages.length > 0 ? <div className="banners">{messages}</div> : null;
}

function Silence({ since }: { since: string | null }) {
  const now = useNow();
  if (!since) return t.banner.neverReported;
  const at = Date.parse(since);
  return t.banner.silent(about(now - at), relative(at, now));
}
