import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import brand from '../../brand.html?raw';
import { ExecutingPopover } from '../executing/popover';
import { t } from '../i18n';
import { watchFollowed } from '../job/follow';
import { BulkCard } from '../jobs/actions';
import { connection } from '../live/connection';
import { useMode, useTrouble } from '../live/hooks';
import { followExecuting } from '../live/jobs';
import { SettingsMenu } from '../settings/menu';
import { SignedOut } from '../ui/empty';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { Notices } from '../ui/notice';
import { useFocusOnNavigation } from './focus';
import { KeysHelp, useKeys } from './keys';
import { LiveStatus } from './status';

const pages = [
  ['/', 'jobs', /^\/($|jobs)/],
  ['/overview', 'overview', /^\/overview/],
  ['/failures', 'failures', /^\/failures/],
  ['/configurations', 'configurations', /^\/configurations/],
  ['/agents', 'agents', /^\/agents/],
] as const;

/** What is around every page: the way to the others, what executes, and how live it all is. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const { isHelpOpen, showHelp } = useKeys();
  const main = useRef<HTMLElement>(null);
  useLive();
  useNotifications();
  useFocusOnNavigation();
  const isSignedOut = useIsSignedOut();
  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {t.shell.skip}
      </button>
      <header className="top">
        <AppLink
          to="/"
          className="brand"
          aria-label={t.shell.home}
          // biome-ignore lint/security/noDangerouslySetInnerHtml: it is a file of this build.
          dangerouslySetInnerHTML={{ __html: brand }}
        />
        <nav className="top-nav" aria-label={t.shell.navigation}>
          {pages.map(([to, noun, pattern]) => (
            <AppLink
              key={to}
              to={to}
              className="top-link"
              aria-current={pattern.test(path) ? 'page' : undefined}
            >
              {t[noun].title}
            </AppLink>
          ))}
        </nav>
        <div className="top-tools">
          {!isSignedOut && (
            <>
              <LiveStatus />
              <ExecutingPopover />
            </>
          )}
          <SettingsMenu showKeys={() => showHelp(true)} />
        </div>
      </header>
      <OfflineBanner />
      <main ref={main} tabIndex={-1} className="main">
        {isSignedOut ? <SignedOut /> : children}
      </main>
      <div className="corner">
        <BulkCard />
        <Notices />
      </div>
      {isHelpOpen && <KeysHelp close={() => showHelp(false)} />}
    </>
  );
}

const useIsSignedOut = () => useTrouble()?.trouble === 'signed-out';

/** Opens the connection, and asks anew for what is shown once it is back. */
function useLive(): void {
  const client = useQueryClient();
  useEffect(() => {
    const stops = [followExecuting(connection), connection.follow()];
    connection.open();
    let wasAway = false;
    stops.push(
      connection.subscribe(() => {
        const mode = connection.getMode();
        if (mode === 'offline' || mode === 'paused') wasAway = true;
        else if (wasAway && mode !== 'connecting') {
          wasAway = false;
          void client.invalidateQueries();
        }
      }),
    );
    return () => {
      for (const stop of stops) stop();
      connection.close();
    };
  }, [client]);
}

/** Notifies of the end of followed jobs, on whatever page the user is. */
function useNotifications(): void {
  const [, navigate] = useLocation();
  const latest = useRef(navigate);
  latest.current = navigate;
  useEffect(
    () =>
      watchFollowed(
        (name, state) => ({ title: name, body: t.states[state].label }),
        (id) => latest.current(`/jobs/${id}`),
      ),
    [],
  );
}

function OfflineBanner() {
  const mode = useMode();
  const isSignedOut = useIsSignedOut();
  if (mode !== 'offline' || isSignedOut) return null;
  return (
    <div className="offline" role="alert">
      <icons.warning />
      <span>{t.shell.offline}</span>
    </div>
  );
}
