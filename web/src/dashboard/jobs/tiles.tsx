import { type StateInfo, states, textOf } from '../data/states';
import type { Counts, JobState } from '../data/types';
import { count } from '../format/number';
import { t } from '../i18n';
import { StateSign } from '../ui/icons';

const large = states.slice(0, 5);
const small = states.slice(5);

interface Props {
  counts: Partial<Counts> | undefined;
  chosen: readonly JobState[];
  choose(states: JobState[]): void;
  /** Whose jobs are counted; undefined: of all configurations. */
  of: string | undefined;
}

/** The counts by state: the five that matter, and the others beside them, so that they add up. */
export function Tiles({ counts, chosen, choose, of }: Props) {
  const isOnly = ({ state }: StateInfo) => chosen.length === 1 && chosen[0] === state;
  const pick = (info: StateInfo) => choose(isOnly(info) ? [] : [info.state]);
  const total = counts?.total;
  return (
    <section className="tiles" aria-label={t.jobs.byState(of)}>
      {large.map((info) => (
        <button
          key={info.state}
          type="button"
          className={`tile tone-${info.state.toLowerCase()}`}
          aria-pressed={isOnly(info)}
          data-empty={counts?.[info.count] === 0 || undefined}
          title={textOf(info.state).hint}
          onClick={() => pick(info)}
        >
          <span className="tile-label">
            <StateSign state={info.state} />
            {textOf(info.state).label}
          </span>
          <span className="tile-count">{count(counts?.[info.count])}</span>
        </button>
      ))}
      <div className="tile-rest">
        {small.map((info) => (
          <button
            key={info.state}
            type="button"
            className={`rest tone-${info.state.toLowerCase()}`}
            aria-pressed={isOnly(info)}
            data-empty={counts?.[info.count] === 0 || undefined}
            title={textOf(info.state).hint}
            onClick={() => pick(info)}
          >
            <StateSign state={info.state} size={13} />
            <span className="one-line">{textOf(info.state).label}</span>
            <span className="number">{count(counts?.[info.count])}</span>
          </button>
        ))}
        <button
          type="button"
          className="rest is-total"
          aria-pressed={chosen.length === 0}
          onClick={() => choose([])}
        >
          <span className="one-line">{t.jobs.all}</span>
          <span className="number">{count(total)}</span>
        </button>
      </div>
    </section>
  );
}
