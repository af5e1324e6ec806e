import { about, duration, relative } from '../format/duration';
import { NONE } from '../format/number';
import { brief, full } from '../format/time';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { useSettings } from '../settings/settings';

/** A moment, briefly; in full with its zone when pointed at. */
export function Moment({ at }: { at: string | null | undefined }) {
  const settings = useSettings();
  if (!at) return <span className="muted">{NONE}</span>;
  return (
    <time dateTime={at} title={full(at, settings)}>
      {brief(at, settings, Date.now())}
    </time>
  );
}

export function FullMoment({ at }: { at: string | null | undefined }) {
  const settings = useSettings();
  if (!at) return <span className="muted">{NONE}</span>;
  return <time dateTime={at}>{full(at, settings)}</time>;
}

/** Clocks of two machines differ by seconds; by more, the difference is worth saying. */
const CLOCKS_DIFFER = 30_000;

/** How long ago something was reported, ticking. */
export function Ago({ at }: { at: string | null | undefined }) {
  const settings = useSettings();
  const now = useNow();
  if (!at) return <span className="muted">{NONE}</span>;
  const ahead = Date.parse(at) - now;
  return (
    <time dateTime={at} title={full(at, settings)}>
      {ahead > CLOCKS_DIFFER
        ? t.units.clockAhead(about(ahead))
        : relative(Math.min(Date.parse(at), now), now)}
    </time>
  );
}

/** How long until a moment to come, ticking. */
export function Until({ at }: { at: string }) {
  return <time dateTime={at}>{relative(Date.parse(at), useNow())}</time>;
}

/** How long since, ticking while it goes on. */
export function Since({ at }: { at: string }) {
  const now = useNow();
  return <>{duration(Math.max(now - Date.parse(at), 0))}</>;
}

/** How long an agent has worked: by its own account when it has finished, else since it began. */
export function WorkTime({
  run,
  isRunning,
}: {
  run:
    | {
        agentStartTime: string | null;
        agentEndTime?: string | null;
        agentElapsedExecutionTime?: number | null;
      }
    | null
    | undefined;
  isRunning: boolean;
}) {
  if (!run) return <span className="muted">{NONE}</span>;
  if (isRunning && run.agentStartTime && !run.agentEndTime)
    return <Since at={run.agentStartTime} />;
  if (typeof run.agentElapsedExecutionTime === 'number') {
    return <>{duration(run.agentElapsedExecutionTime)}</>;
  }
  if (run.agentStartTime && run.agentEndTime) {
    return <>{duration(Date.parse(run.agentEndTime) - Date.parse(run.agentStartTime))}</>;
  }
  return <span className="muted">{NONE}</span>;
}
