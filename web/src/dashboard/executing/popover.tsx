import * as Popover from '@radix-ui/react-popover';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { count, NONE } from '../format/number';
import { t } from '../i18n';
import { liveJobs, useExecutingIds } from '../live/jobs';
import { StateSign } from '../ui/icons';

const loadList = () => import('./list');

const ExecutingList = lazy(async () => ({ default: (await loadList()).ExecutingList }));

/** Loads the list ahead of a click. A failure is for the click itself to meet. */
const prefetch = () => void loadList().catch(() => {});

/** The jobs that execute, in the header of every page. */
export function ExecutingPopover() {
  const ids = useExecutingIds();
  const [isOpen, setOpen] = useState(false);
  const [path] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes when the page changes.
  useEffect(() => setOpen(false), [path]);
  const n = ids.length;
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger
        className={n > 0 ? 'executing-button is-busy' : 'executing-button'}
        data-shortcut="executing"
        onPointerEnter={prefetch}
        onFocus={prefetch}
      >
        <StateSign state={n > 0 ? 'EXECUTING' : 'COMPLETED'} />
        <span className="executing-count">{liveJobs.isLoaded ? count(n) : NONE}</span>
        <span className="executing-label">{t.executing.button}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover executing"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          aria-label={t.executing.title}
        >
          <Suspense fallback={<p className="executing-none muted">{t.common.loading}</p>}>
            <ExecutingList ids={ids} />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
