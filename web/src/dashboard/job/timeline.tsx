import type { CSSProperties } from 'react';
import { isActive } from '../data/states';
import type { FullRun } from '../data/types';
import { duration } from '../format/duration';
import { NONE } from '../format/number';
import { clock, dayOf, full, offset, zoneOf } from '../format/time';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { useSettings } from '../settings/settings';
import { processingLabel } from '../ui/state';
import { type Lanes, lanesOf, type Piece, ticks } from './lanes';

const DAY = 86_400_000;
/** What ends within it is told to the second. */
const SOON = 10 * 60_000;

/** Both phases on one axis of time. */
export function Timeline({ run, isGoingOn }: { run: FullRun; isGoingOn: boolean }) {
  const now = useNow();
  const lanes = lanesOf(run, isActive(run.agentState), now);
  return (
    <section className="card timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">{t.timeline.title}</h2>
      {lanes ? (
        <Chart lanes={lanes} run={run} isGoingOn={isGoingOn} />
      ) : (
        <p className="muted">{t.timeline.none}</p>
      )}
    </section>
  );
}

function Chart({ lanes, run, isGoingOn }: { lanes: Lanes; run: FullRun; isGoingOn: boolean }) {
  const settings = useSettings();
  const now = useNow();
  const { from, to, agent, processing, lastSubmitted, forecast, isWaitCut } = lanes;
  // What lies before the axis is in a stub of one width.
  const stub = isWaitCut ? '1.5rem' : '0rem';
  const place = (at: number) =>
    at < from ? '0%' : `calc(${stub} + (100% - ${stub}) * ${(at - from) / (to - from)})`;
  const { at: marks, step } = ticks(from, to, 6, offset(zoneOf(settings), from));
  const isLong = to - from > DAY;
  const label = (at: number) =>
    step >= DAY
      ? dayOf(at, settings)
      : `${isLong ? `${dayOf(at, settings)} ` : ''}${clock(at, settings, step < 60_000)}`;
  const agentTone = run.agentState.toLowerCase();
  const processingTone = (run.processingState ?? 'QUEUED').toLowerCase();
  return (
    <div className="lanes">
      <Lane
        name={t.job.agent}
        pieces={agent}
        place={place}
        tone={agentTone}
        said={lengthsOf(agent)}
      >
        {lastSubmitted !== undefined && (
          <span
            className="lane-mark"
            style={{ left: place(lastSubmitted) }}
            title={t.timeline.lastSubmitted(full(run.agentLastSubmittedDate, settings))}
          />
        )}
        {forecast && (
          <span
            className="lane-mark is-likely"
            style={{ left: place(forecast.likely) }}
            title={t.timeline.likely(full(new Date(forecast.likely).toISOString(), settings))}
          />
        )}
      </Lane>
      <Lane
        name={t.job.processing}
        pieces={processing}
        place={place}
        tone={processingTone}
        said={processing.length > 0 ? lengthsOf(processing) : processingLabel(run.processingState)}
      />
      <div className="axis" aria-hidden="true">
        {marks.map((at) => (
          <span key={at} className="tick" style={{ left: place(at) } as CSSProperties}>
            <span>{label(at)}</span>
          </span>
        ))}
        {isGoingOn && (
          <span
            className={forecast ? 'axis-now is-inside' : 'axis-now'}
            style={forecast ? { left: place(now) } : undefined}
          >
            {t.timeline.now}
          </span>
        )}
      </div>
      <ul className="timeline-legend muted">
        <li>
          <span className="swatch is-waiting" aria-hidden="true" /> {t.timeline.queued}
        </li>
        <li>
          <span className={`swatch state-${agentTone}`} aria-hidden="true" /> {t.timeline.running}
        </li>
        <li>
          <span className="lane-mark is-legend" aria-hidden="true" />{' '}
          {t.timeline.lastSubmission(
            lastSubmitted === undefined ? NONE : full(run.agentLastSubmittedDate, settings),
          )}
        </li>
        {forecast && (
          <li>
            <span className="swatch is-expected" aria-hidden="true" />{' '}
            {t.timeline.expected(
              ...([forecast.earliest, forecast.latest, forecast.likely].map((at) =>
                clock(at, settings, forecast.latest - now < SOON),
              ) as [string, string, string]),
            )}
          </li>
        )}
        <li>{t.timeline.zone(zoneOf(settings))}</li>
      </ul>
    </div>
  );
}

function lengthOf(pieces: readonly Piece[], kind: Piece['kind']): number | null {
  const found = pieces.filter((piece) => piece.kind === kind);
  return found.length > 0 ? found.reduce((all, { from, to }) => all + to - from, 0) : null;
}

const lengthsOf = (pieces: readonly Piece[]) =>
  t.timeline.lengths(duration(lengthOf(pieces, 'waiting')), duration(lengthOf(pieces, 'working')));

function Lane({
  name,
  pieces,
  place,
  tone,
  said,
  children,
}: {
  name: string;
  pieces: readonly Piece[];
  place(at: number): string;
  tone: string;
  said: string;
  children?: React.ReactNode;
}) {
  return (
    <div className="lane">
      <div className="lane-name">
        <b>{name}</b>
        <span className="muted">{said}</span>
      </div>
      <div className="lane-track">
        {pieces.map(({ kind, from, to, isOpen }) => (
          <span
            key={kind}
            className={`piece is-${kind}${isOpen ? ' is-open' : ''}${kind === 'working' ? ` state-${tone}` : ''}`}
            style={{ left: place(from), right: `calc(100% - ${place(to)})` }}
          />
        ))}
        {children}
      </div>
    </div>
  );
}
