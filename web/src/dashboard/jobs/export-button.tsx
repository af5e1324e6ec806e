import { useRef, useState } from 'react';
import { count, plural } from '../format/number';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import { exportCsv, save } from './csv';
import type { Filter } from './filter';

export function ExportButton({ filter }: { filter: Filter }) {
  const [jobs, setJobs] = useState<number>();
  const running = useRef<AbortController>(undefined);
  const start = async () => {
    if (running.current) {
      running.current.abort();
      return;
    }
    const control = new AbortController();
    running.current = control;
    setJobs(0);
    let n = 0;
    try {
      const tell = (soFar: number) => {
        n = soFar;
        setJobs(soFar);
      };
      const { file, errors } = await exportCsv(filter, tell, control.signal);
      save(file, `jobs-${new Date().toISOString().slice(0, 16).replaceAll(':', '')}.csv`);
      const saved = `Saved ${plural(n, 'job')} as CSV.`;
      if (errors === 0) say(saved);
      else
        say(`${saved} Left empty, since they cannot be shown: ${plural(errors, 'value')}.`, true);
    } catch (error) {
      if (control.signal.aborted) say('The export was stopped.');
      else say(`The export failed: ${error instanceof Error ? error.message : error}`, true);
    } finally {
      running.current = undefined;
      setJobs(undefined);
    }
  };
  const isRunning = jobs !== undefined;
  return (
    <button
      type="button"
      className="filter"
      onClick={start}
      title="All that match, as a CSV file"
      aria-label={isRunning ? 'Stop the export' : 'Export as CSV'}
    >
      {isRunning ? (
        <icons.cross width={14} height={14} />
      ) : (
        <icons.download width={14} height={14} />
      )}
      <span className="filter-label">{isRunning ? `${count(jobs)} jobs… stop` : 'CSV'}</span>
    </button>
  );
}
