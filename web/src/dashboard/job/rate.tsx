import { useEffect, useRef, useState } from 'react';
import type { FullRun } from '../data/types';
import { about } from '../format/duration';
import { NONE, rate } from '../format/number';
import { t } from '../i18n';
import { addSample, type Point, ratesOf, type Sample } from './samples';

function sampleOf(run: FullRun): Sample | undefined {
  if (!run.updateDate) return undefined;
  const done = run.agentTasksCompletedCount;
  return {
    at: Date.parse(run.updateDate),
    tasks: done === null ? null : done + (run.agentTasksFailedCount ?? 0),
    clues: run.agentCluesCount,
  };
}

/** How fast it goes, since this page was opened: the server keeps no record of it. */
export function RateCard({ run }: { run: FullRun }) {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const latest = useRef(run);
  latest.current = run;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new report is a new sample.
  useEffect(() => {
    const sample = sampleOf(latest.current);
    if (sample) setSamples((before) => addSample(before, sample));
  }, [run.updateDate]);
  const first = samples[0];
  const last = samples.at(-1);
  return (
    <section className="card" aria-labelledby="rate-title">
      <header className="card-head">
        <h2 id="rate-title">{t.rate.title}</h2>
        <span className="muted">
          {first && last && last.at > first.at
            ? t.rate.last(about(last.at - first.at))
            : t.rate.sinceOpened}
        </span>
      </header>
      <div className="rates">
        <Chart
          name={t.rate.tasks}
          tone="executing"
          points={ratesOf(samples, 'tasks')}
          average={run.tasksPerMinute}
        />
        <Chart name={t.rate.clues} tone="submitting" points={ratesOf(samples, 'clues')} />
      </div>
    </section>
  );
}

const WIDTH = 400;
const HEIGHT = 96;

function Chart({
  name,
  tone,
  points,
  average,
}: {
  name: string;
  tone: string;
  points: readonly Point[];
  average?: number | null;
}) {
  const first = points[0];
  const last = points.at(-1);
  const most = Math.max(...points.map((point) => point.rate), average ?? 0) * 1.15 || 1;
  const span = first && last ? Math.max(last.at - first.at, 1) : 1;
  const x = (at: number) => (first ? ((at - first.at) / span) * WIDTH : 0);
  const y = (value: number) => HEIGHT - (value / most) * HEIGHT;
  const line = points.map(({ at, rate }) => `${x(at).toFixed(1)},${y(rate).toFixed(1)}`).join(' ');
  const isDrawn = points.length > 1;
  return (
    <figure className={`rate tone-${tone}`}>
      <figcaption>
        <span>{name}</span>
        <b>{last ? rate(last.rate) : NONE}</b>
        {typeof average === 'number' && (
          <span className="muted">{t.rate.average(rate(average))}</span>
        )}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={last ? t.rate.now(name, rate(last.rate)) : t.rate.unknown(name)}
      >
        <line className="rate-base" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {typeof average === 'number' && isDrawn && (
          <line className="rate-average" x1="0" x2={WIDTH} y1={y(average)} y2={y(average)} />
        )}
        {isDrawn && (
          <>
            <polygon className="rate-area" points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
            <polyline className="rate-line" points={line} />
          </>
        )}
      </svg>
      {!isDrawn && <p className="muted rate-wait">{t.rate.wait}</p>}
    </figure>
  );
}
