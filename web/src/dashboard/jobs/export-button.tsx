import { useRef, useState } from 'react';
import { t } from '../i18n';
import { getSettings } from '../settings/settings';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
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
      const { exportCsv, fileName, save } = await import('./csv');
      const tell = (soFar: number) => {
        n = soFar;
        setJobs(soFar);
      };
      const { file, errors } = await exportCsv(filter, tell, control.signal);
      save(file, fileName(filter, getSettings(), Date.now()));
      const saved = t.export.saved(n);
      if (errors === 0) say(saved);
      else say(`${saved} ${t.export.empty(errors)}`, true);
    } catch (error) {
      if (control.signal.aborted) say(t.export.cancelled);
      else say(t.export.failed(error instanceof Error ? error.message : String(error)), true);
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
      title={t.export.title}
      aria-label={isRunning ? t.export.stop : t.export.label}
    >
      {isRunning ? (
        <icons.cross width={14} height={14} />
      ) : (
        <icons.download width={14} height={14} />
      )}
      <span className="filter-label">{isRunning ? t.export.progress(jobs) : t.export.button}</span>
    </button>
  );
}
