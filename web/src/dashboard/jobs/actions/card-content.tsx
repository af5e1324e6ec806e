import { useEffect } from 'react';
import { t } from '../../i18n';
import { icons } from '../../ui/icons';
import { type BulkAction, dismiss } from './current';
import { Controls, Report, titleOf, useProgress, wordsFor } from './report';
import { hasEnded } from './run';

/** How far a bulk action is, and how to stop it. */
export function CardContent({ bulk, say }: { bulk: BulkAction; say(text: string): void }) {
  const progress = useProgress(bulk);
  const title = titleOf(bulk, progress);
  const { status, done } = progress;
  const result = wordsFor(bulk.action).done(done);
  const isGoing = status === 'running' || status === 'stopping';
  // Its start and its end are read out; the numbers between are there to be looked up.
  const news = isGoing ? wordsFor(bulk.action).running : `${title} ${result}`;
  useEffect(() => {
    say(news);
    return () => say('');
  }, [news, say]);
  return (
    <section className="bulk-card" aria-label={t.actions.bulk}>
      <header>
        <b>{title}</b>
        {hasEnded(progress) && (
          <button type="button" className="icon-button small" onClick={dismiss}>
            <icons.cross width={14} height={14} />
            <span className="hidden">{t.common.dismiss}</span>
          </button>
        )}
      </header>
      <Report bulk={bulk} progress={progress} />
      <footer>
        <Controls bulk={bulk} progress={progress} />
      </footer>
    </section>
  );
}
