import * as Popover from '@radix-ui/react-popover';
import { type ReactNode, useState } from 'react';
import type { Named } from '../data/hooks';
import { t } from '../i18n';
import { icons } from './icons';

/** A button that opens something to choose from, in the form of the filter bar. */
export function Menu({
  label,
  value,
  children,
  icon,
  tool,
  isSet = false,
  onOpenChange,
  open,
}: {
  label: string;
  value?: ReactNode;
  children: ReactNode;
  icon?: ReactNode;
  /** Its name in style sheets. */
  tool?: string;
  isSet?: boolean;
  open?: boolean;
  onOpenChange?(open: boolean): void;
}) {
  return (
    <Popover.Root
      {...(open === undefined ? {} : { open })}
      {...(onOpenChange ? { onOpenChange } : {})}
    >
      <Popover.Trigger className={isSet ? 'filter is-set' : 'filter'} data-tool={tool}>
        {icon}
        <span className="filter-label">{label}</span>{' '}
        {value && <span className="filter-value one-line">{value}</span>}
        <icons.down width={12} height={12} />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover"
          align="start"
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** A choice that closes the menu: what it changes is behind it. */
export const MenuChoice = Popover.Close;

/** So many are shown at a time; typing finds the others. */
const SHOWN = 60;

/** Chooses one of many by name. */
export function Picker({
  label,
  find,
  options,
  chosen,
  choose,
  load,
  isLoading,
}: {
  label: string;
  /** The label of its search field. */
  find: string;
  options: readonly Named[] | undefined;
  chosen: string | undefined;
  choose(id: string | undefined): void;
  /** Called when it opens. */
  load(): void;
  isLoading: boolean;
}) {
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = (options ?? []).filter(
    ({ name, hint, id }) =>
      name.toLowerCase().includes(wanted) ||
      hint?.toLowerCase().includes(wanted) ||
      id.startsWith(wanted),
  );
  const name = chosen && (options?.find(({ id }) => id === chosen)?.name ?? chosen.slice(0, 8));
  const pick = (id: string | undefined) => {
    choose(id);
    setOpen(false);
  };
  return (
    <Menu
      label={label}
      value={name}
      isSet={Boolean(chosen)}
      open={isOpen}
      onOpenChange={(open) => {
        setOpen(open);
        setText('');
        if (open) load();
      }}
    >
      <div className="picker">
        <input
          className="input"
          type="search"
          placeholder={find}
          aria-label={find}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && found[0]) pick(found[0].id);
          }}
        />
        <ul className="picker-list">
          {chosen && (
            <li>
              <button type="button" className="option" onClick={() => pick(undefined)}>
                <span className="muted">{t.common.any}</span>
              </button>
            </li>
          )}
          {found.slice(0, SHOWN).map(({ id, name, hint }) => (
            <li key={id}>
              <button
                type="button"
                className="option"
                aria-pressed={id === chosen}
                onClick={() => pick(id)}
              >
                <span className="one-line">{name}</span>
                {hint && <span className="muted">{hint}</span>}
                {id === chosen && <icons.check width={14} height={14} />}
              </button>
            </li>
          ))}
        </ul>
        {found.length > SHOWN && (
          <p className="muted picker-note">{t.filters.moreOptions(found.length - SHOWN)}</p>
        )}
        {found.length === 0 && (
          <p className="muted picker-note">{isLoading ? t.common.loading : t.filters.noOptions}</p>
        )}
      </div>
    </Menu>
  );
}
