import { isActive, isOver } from '../data/states';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { duration } from '../format/duration';
import { t } from '../i18n';
import { StateLabel } from '../ui/state';
import { Moment, Since } from '../ui/time';
import { firstLine } from './message';

interface Change {
  state: JobState;
  at: string;
  by?: string;
  principal?: string | null;
  message?: string | null;
}

/** What is told {t.history.derived}, for a job whose changes were made elsewhere. */
function fromTimes(job: JobDetail, run: FullRun | null | undefined): Change[] {
  const created = job.state === 'QUEUED' ? job.createdDate : undefined;
  const queued = run?.agentQueuedDate ?? job.queuedDate ?? created;
  const changes: Change[] = queued ? [{ state: 'QUEUED', at: queued }] : [];
  if (run?.agentStartTime) changes.push({ state: 'EXECUTING', at: run.agentStartTime });
  if (run?.agentEndTime && isOver(run.agentState)) {
    changes.push({ state: run.agentState, at: run.agentEndTime });
  }
  return changes;
}

const goesOn = (state: JobState) => state === 'QUEUED' || isActive(state);

/** A state that was only passed through has no length. */
const lasted = (ms: number) => (ms < 1_000 ? '' : duration(ms));

/** The states it went through, and how long it stayed in each. */
export function History({ job, run }: { job: JobDetail; run: FullRun | null | undefined }) {
  const isRecorded = job.history.length > 0;
  const changes: readonly Change[] = isRecorded ? job.history : fromTimes(job, run);
  const current = !isRecorded && run ? run.agentState : job.state;
  return (
    <section className="card" aria-labelledby="history-title">
      <header className="card-head">
        <h2 id="history-title">{t.history.title}</h2>
        {!isRecorded && <span className="muted">{t.history.derived}</span>}
      </header>
      {changes.length === 0 && <p className="muted">{t.timeline.none}</p>}
      <ol className="history">
        {changes.map((change, index) => {
          const next = changes[index + 1];
          return (
            <li
              key={`${change.at}${change.state}`}
              className={`tone-${change.state.toLowerCase()}`}
            >
              <StateLabel state={change.state} />
              <Moment at={change.at} />
              <span className="number">
                {next
                  ? lasted(Date.parse(next.at) - Date.parse(change.at))
                  : goesOn(change.state) && change.state === current && <Since at={change.at} />}
              </span>
              <span className="history-by muted">
                {change.by && (change.principal ?? t.history.by(change.by))}
                {change.message && `: ${firstLine(change.message)}`}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
