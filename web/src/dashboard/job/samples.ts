/** How fast a run goes: from its counters, as they were told while the page was open. */
export interface Sample {
  at: number;
  tasks: number | null;
  clues: number | null;
}

/** About an hour of a report every six seconds. */
const KEPT = 600;
/** A rate over less than this is noise. */
const WINDOW = 10_000;

export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last && sample.at <= last.at) return samples;
  return [...samples.slice(-KEPT + 1), sample];
}

export interface Point {
  at: number;
  /** Per minute. */
  rate: number;
}

/** What was done per minute around each sample. Counters that fall back begin anew. */
export function ratesOf(samples: readonly Sample[], key: 'tasks' | 'clues'): Point[] {
  const points: Point[] = [];
  let first = 0;
  for (let index = 1; index < samples.length; index += 1) {
    const sample = samples[index] as Sample;
    // The latest sample that is a window back, or the first there is.
    while (first + 1 < index && sample.at - (samples[first + 1] as Sample).at >= WINDOW) first += 1;
    const before = samples[first] as Sample;
    const [a, b] = [before[key], sample[key]];
    const minutes = (sample.at - before.at) / 60_000;
    if (a === null || b === null || minutes <= 0) continue;
    if (b < a) {
      first = index;
      continue;
    }
    points.push({ at: sample.at, rate: (b - a) / minutes });
  }
  return points;
}
