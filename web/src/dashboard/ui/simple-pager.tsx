import { useLocation, useSearch } from 'wouter';
import { count } from '../format/number';
import { t } from '../i18n';
import { icons } from './icons';

/** The page's number in the address, from 1. */
export function usePageNumber(): [number, (page: number) => void] {
  const [path, navigate] = useLocation();
  const n = Number(new URLSearchParams(useSearch()).get('page'));
  const page = Number.isSafeInteger(n) && n > 0 ? Math.min(n, 1_000_000) : 1;
  return [page, (next) => navigate(next > 1 ? `${path}?page=${next}` : path)];
}

export function SimplePager({
  page,
  setPage,
  pages,
}: {
  page: number;
  setPage(page: number): void;
  pages: number;
}) {
  if (pages === 1) return null;
  return (
    <nav className="pager" aria-label={t.pager.title}>
      <span className="pager-pages">
        <button
          type="button"
          className="icon-button"
          data-shortcut="previous-page"
          disabled={page === 1}
          onClick={() => setPage(page - 1)}
        >
          <icons.left />
          <span className="hidden">{t.pager.previous}</span>
        </button>
        <span>
          {page} <span className="muted">{t.pager.of(count(pages))}</span>
        </span>
        <button
          type="button"
          className="icon-button"
          data-shortcut="next-page"
          disabled={page === pages}
          onClick={() => setPage(page + 1)}
        >
          <icons.right />
          <span className="hidden">{t.pager.next}</span>
        </button>
      </span>
    </nav>
  );
}
