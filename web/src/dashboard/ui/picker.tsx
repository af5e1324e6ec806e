import * as Popover from '@radix-ui/react-popover';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { type Named, nameOf } from '../data/hooks';
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
}: {
  label: string;
  value?: ReactNode;
  children: ReactNode;
  icon?: ReactNode;
  /** Its name in style sheets. */
  tool?: string;
  isSet?: boolean;
  onOpenChange?(open: boolean): void;
}) {
  return (
    <Popover.Root {...(onOpenChange ? { onOpenChange } : {})}>
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

/** The choice of none. */
const any: Named = { id: '', name: '' };

/** Chooses among many by name: a field to search in, and a list that its arrow keys move in. */
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
  chosen: readonly string[];
  choose(ids: readonly string[]): void;
  /** Called when it opens. */
  load(): void;
  isLoading: boolean;
}) {
  const [first] = chosen;
  const name =
    first && (options?.find(({ id }) => id === first)?.name ?? nameOf({ id: first, name: null }));
  return (
    <Menu
      label={label}
      value={chosen.length > 1 ? t.filters.chosen(chosen.length) : name}
      isSet={chosen.length > 0}
      onOpenChange={(isOpen) => isOpen && load()}
    >
      <Choice find={find} options={options} chosen={chosen} choose={choose} isLoading={isLoading} />
    </Menu>
  );
}

/** What is in the menu: it begins anew each time it opens. */
function Choice({
  find,
  options,
  chosen,
  choose,
  isLoading,
}: {
  find: string;
  options: readonly Named[] | undefined;
  chosen: readonly string[];
  choose(ids: readonly string[]): void;
  isLoading: boolean;
}) {
  const listId = useId();
  const [text, setText] = useState('');
  const [activeId, setActiveId] = useState<string>();
  const list = useRef<HTMLDivElement>(null);
  const wanted = text.trim().toLowerCase();
  const found = (options ?? []).filter(
    ({ name, hint, id }) =>
      name.toLowerCase().includes(wanted) ||
      hint?.toLowerCase().includes(wanted) ||
      id.includes(wanted),
  );
  const shown: Named[] = [...(chosen.length > 0 && !wanted ? [any] : []), ...found.slice(0, SHOWN)];
  const isChosen = ({ id }: Named) => chosen.includes(id);
  const take = (each: Named) => {
    if (each === any) choose([]);
    else if (isChosen(each)) choose(chosen.filter((id) => id !== each.id));
    else choose([...chosen, each.id]);
    // The list stays open for others. It keeps its present option, also where it has one more now.
    setActiveId(each === any ? undefined : idOf(each));
  };
  const idOf = (each: Named) => `${listId}-${each.id}`;
  const known = shown.findIndex((each) => idOf(each) === activeId);
  // What is typed is for what it finds, so its first is taken by Enter.
  const at = known < 0 && wanted ? 0 : known;
  const active = shown[at];
  useEffect(() => {
    list.current?.querySelector('[data-highlighted]')?.scrollIntoView({ block: 'nearest' });
  });
  const keys: Record<string, () => number> = {
    ArrowDown: () => (at + 1) % shown.length,
    ArrowUp: () => (at <= 0 ? shown.length : at) - 1,
    Home: () => 0,
    End: () => shown.length - 1,
  };
  return (
    <div className="picker">
      <input
        className="input"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={active && idOf(active)}
        autoComplete="off"
        spellCheck={false}
        placeholder={find}
        aria-label={find}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setActiveId(undefined);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing || event.ctrlKey || event.metaKey || event.altKey)
            return;
          if (event.key === 'Enter' && active) {
            event.preventDefault();
            take(active);
          }
          const next = shown[keys[event.key]?.() ?? -1];
          if (next && !event.shiftKey) {
            event.preventDefault();
            setActiveId(idOf(next));
          }
        }}
      />
      <div
        ref={list}
        className="picker-list"
        id={listId}
        role="listbox"
        aria-label={find}
        aria-multiselectable="true"
      >
        {shown.map((each) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys.
          <div
            key={each.id}
            id={idOf(each)}
            role="option"
            tabIndex={-1}
            className="option"
            aria-selected={isChosen(each)}
            data-highlighted={each === active || undefined}
            // The field keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(each)}
          >
            {each === any ? (
              <span className="muted">{t.common.any}</span>
            ) : (
              <span className="one-line">{each.name}</span>
            )}
            {each.hint && <span className="muted">{each.hint}</span>}
            {isChosen(each) && <icons.check width={14} height={14} />}
          </div>
        ))}
      </div>
      {found.length > SHOWN && (
        <p className="muted picker-note">{t.filters.moreOptions(found.length - SHOWN)}</p>
      )}
      {found.length === 0 && (
        <p className="muted picker-note">{isLoading ? t.common.loading : t.filters.noOptions}</p>
      )}
    </div>
  );
}
