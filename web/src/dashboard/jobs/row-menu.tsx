import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { root } from '../base';
import { nameOf } from '../data/hooks';
import { useMayAct } from '../data/principal';
import { isActive } from '../data/states';
import type { JobState, ListedJob } from '../data/types';
import { t } from '../i18n';
import { copyText } from '../ui/copy';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import { type Action, obstacleTo } from './actions';

export function RowMenu({
  job,
  state,
  act,
}: {
  job: ListedJob;
  state: JobState;
  act(action: Action, job: ListedJob): void;
}) {
  const mayAct = useMayAct();
  const copy = async (text: string, what: string) => {
    say((await copyText(text)) ? t.copy.copied(what) : text);
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon-button small">
        <icons.more />
        <span className="hidden">{t.jobs.actionsFor(nameOf(job))}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
          {mayAct && (
            <>
              {(['cancel', 'retry'] as const).map((action) => {
                const obstacle = obstacleTo(action, state);
                const Sign = action === 'retry' ? icons.retry : icons.stop;
                return (
                  <DropdownMenu.Item
                    key={action}
                    className="option"
                    // It can be reached by the keyboard all the same: it says why.
                    aria-disabled={obstacle !== undefined}
                    onSelect={(event) => (obstacle ? event.preventDefault() : act(action, job))}
                  >
                    <Sign width={14} height={14} />
                    <span className="option-text">
                      {t.actions[action]}
                      {obstacle && <small>{t.actions.notPossible[obstacle]}</small>}
                    </span>
                  </DropdownMenu.Item>
                );
              })}
              {isActive(state) && (
                <DropdownMenu.Item className="option" onSelect={() => act('force', job)}>
                  <icons.stop width={14} height={14} /> {t.actions.force}
                </DropdownMenu.Item>
              )}
              <DropdownMenu.Separator className="menu-line" />
            </>
          )}
          <DropdownMenu.Item className="option" onSelect={() => copy(job.id, t.copy.id)}>
            <icons.copy width={14} height={14} /> {t.copy.copy(t.copy.id)}
          </DropdownMenu.Item>
          <DropdownMenu.Item
            className="option"
            onSelect={() => copy(new URL(`jobs/${job.id}`, root).href, t.copy.link)}
          >
            <icons.link width={14} height={14} /> {t.copy.copy(t.copy.link)}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
