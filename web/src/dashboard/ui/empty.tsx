import type { ReactNode } from 'react';
import { root } from '../base';
import { RequestError } from '../data/client';
import { t } from '../i18n';
import { icons } from './icons';

export function Empty({
  title,
  children,
  sign,
  isPage = false,
}: {
  title: string;
  children?: ReactNode;
  sign?: ReactNode;
  /** Whether there is nothing else on the page, which then has this for its title. */
  isPage?: boolean;
}) {
  const Heading = isPage ? 'h1' : 'h2';
  return (
    <div className="empty">
      {sign && <div className="empty-sign">{sign}</div>}
      <Heading>{title}</Heading>
      {children && <div className="empty-text">{children}</div>}
    </div>
  );
}

/** What went wrong, and what can be done about it. */
export function Failure({
  error,
  retry,
  isPage = false,
}: {
  error: unknown;
  retry?: () => void;
  isPage?: boolean;
}) {
  const trouble = error instanceof RequestError ? error.trouble : 'defect';
  const message = error instanceof Error ? error.message : String(error);
  if (trouble === 'signed-out') return <SignedOut />;
  return (
    <div role="alert">
      <Empty
        title={t.errors[trouble]}
        sign={<icons.warning width={28} height={28} />}
        isPage={isPage}
      >
        <p>{message}</p>
        {trouble === 'offline' && <p className="muted">{t.errors.retrying}</p>}
        {retry && (
          <button type="button" className="button" onClick={retry}>
            <icons.retry /> {t.common.tryAgain}
          </button>
        )}
      </Empty>
    </div>
  );
}

export function SignedOut() {
  // Relative to the root, so that it leads back below any prefix.
  const here = location.pathname.slice(root.pathname.length) + location.search;
  const signIn = new URL('sign-in', root);
  signIn.searchParams.set('next', here);
  return (
    <Empty title={t.errors.signedOut} sign={<icons.info width={28} height={28} />} isPage>
      <p>{t.errors.signedOutHint}</p>
      <a className="button is-primary" href={signIn.href}>
        {t.errors.signIn}
      </a>
    </Empty>
  );
}
