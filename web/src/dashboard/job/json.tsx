import { useMemo } from 'react';
import type { FullRun, JobDetail } from '../data/types';
import { copyText } from '../ui/copy';
import { Dialog } from '../ui/dialog';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';

/** What the API has answered, with the errors of fields as `__errors`. */
export function JsonDialog({
  job,
  run,
  close,
}: {
  job: JobDetail;
  run: FullRun | null | undefined;
  close(): void;
}) {
  const text = useMemo(() => JSON.stringify({ job, jobRun: run ?? null }, null, 2), [job, run]);
  return (
    <Dialog title="Raw JSON" onClose={close} isWide>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <pre className="json" tabIndex={0}>
        {text}
      </pre>
      <footer className="dialog-foot">
        <button
          type="button"
          className="button is-primary"
          onClick={async () =>
            say((await copyText(text)) ? 'Copied the JSON.' : 'Select it to copy.')
          }
        >
          <icons.copy /> Copy
        </button>
      </footer>
    </Dialog>
  );
}
