import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { root } from '../base';
import { nameOf } from '../data/hooks';
import type { ListedJob } from '../data/types';
import { t } from '../i18n';
import { copyText } from '../ui/copy';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import type { Action } from './actions';

export function RowMenu({
  job,
  canCancel,
  canRetry,
  act,
}: {
  job: ListedJob;
  canCancel: boolean;
  canRetry: boolean;
  act(action: Action, job: ListedJob): void;
}) {
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
          <DropdownMenu.Item
            className="option"
            disabled={!canCancel}
            onSelect={() => act('cancel', job)}
          >
            <icons.stop width={14} height={14} /> {t.actions.cancel}
          </DropdownMenu.Item>
          <DropdownMenu.Item
            className="option"
            disabled={!canRetry}
            onSelect={() => act('retry', job)}
          >
            <icons.retry width={14} height={14} /> {t.actions.retry}
          </DropdownMenu.Item>
          <DropdownMenu.Separator className="menu-line" />
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
