import { useEffect, useState } from 'react';
import { count } from '../format/number';
import { t } from '../i18n';
import { icons } from '../ui/icons';
import { type Filter, pageSizes } from './filter';

export function Pager({
  filter,
  change,
  pageCount,
  hasMore,
}: {
  filter: Filter;
  change(change: Partial<Filter>): void;
  pageCount: number;
  /** There are pages beyond those that were counted. */
  hasMore: boolean;
}) {
  const { page, take } = filter;
  const last = Math.max(pageCount, 1);
  const go = (next: number) => {
    change({ page: next });
    window.scrollTo({ top: 0 });
  };
  const buttons = [
    ['first', icons.first, 1, page > 1],
    ['previous', icons.left, page - 1, page > 1],
    ['next', icons.right, page + 1, page < last || hasMore],
    ['last', icons.last, last, page < last],
  ] as const;
  const button = ([key, Sign, to, isPossible]: (typeof buttons)[number]) => (
    <button
      key={key}
      type="button"
      className="icon-button"
      disabled={!isPossible}
      data-shortcut={`${key}-page`}
      onClick={() => go(to)}
    >
      <Sign />
      <span className="hidden">{t.pager[key]}</span>
    </button>
  );
  return (
    <nav className="pager" aria-label={t.pager.title}>
      <label className="page-size">
        <span>{t.pager.rows}</span>
        <select
          className="input"
          value={take}
          onChange={(event) => change({ take: Number(event.target.value) })}
        >
          {pageSizes.map((size) => (
            <option key={size}>{size}</option>
          ))}
        </select>
      </label>
      <span className="pager-pages">
        {button(buttons[0])}
        {button(buttons[1])}
        <JumpField page={page} last={last} go={go} />
        <span className="muted">{t.pager.of(`${count(last)}${hasMore ? '+' : ''}`)}</span>
        {button(buttons[2])}
        {button(buttons[3])}
      </span>
    </nav>
  );
}

function JumpField({ page, last, go }: { page: number; last: number; go(page: number): void }) {
  const [text, setText] = useState(String(page));
  useEffect(() => setText(String(page)), [page]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = Math.round(Number(text));
        if (Number.isFinite(wanted)) go(Math.min(Math.max(wanted, 1), last));
        else setText(String(page));
      }}
    >
      <label>
        <span className="hidden">{t.pager.page}</span>
        <input
          className="input page-field"
          inputMode="numeric"
          value={text}
          size={Math.max(String(last).length, 2)}
          onChange={(event) => setText(event.target.value)}
          onBlur={() => setText(String(page))}
        />
      </label>
    </form>
  );
}
