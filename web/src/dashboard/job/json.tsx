import { useMemo } from 'react';
import type { FullRun, JobDetail } from '../data/types';
import { t } from '../i18n';
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
    <Dialog title={t.job.json} onClose={close} isWide>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <pre className="json" tabIndex={0}>
        {text}
      </pre>
      <footer className="dialog-foot">
        <button
          type="button"
          className="button is-primary"
          onClick={async () =>
            say((await copyText(text)) ? t.copy.copied(t.copy.json) : t.copy.blocked(''))
          }
        >
          <icons.copy /> {t.job.copy}
        </button>
      </footer>
    </Dialog>
  );
}
