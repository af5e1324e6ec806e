/** Signs of 16 by 16, drawn with lines of one width. */
import type { ReactNode, SVGProps } from 'react';

function Icon({ children, ...props }: SVGProps<SVGSVGElement> & { children: ReactNode }) {
  return (
    <svg
      aria-hidden="true"
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...props}
    >
      {children}
    </svg>
  );
}

const make = (paths: ReactNode) => (props: SVGProps<SVGSVGElement>) => (
  <Icon {...props}>{paths}</Icon>
);

export const icons = {
  search: make(
    <>
      <circle cx="7" cy="7" r="4.25" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>,
  ),
  plus: make(<path d="M8 3.5v9M3.5 8h9" />),
  check: make(<path d="m3.5 8.5 3 3 6-7" />),
  cross: make(<path d="m4 4 8 8M12 4l-8 8" />),
  down: make(<path d="m4 6 4 4 4-4" />),
  up: make(<path d="m4 10 4-4 4 4" />),
  left: make(<path d="M10 3.5 5.5 8l4.5 4.5" />),
  right: make(<path d="M6 3.5 10.5 8 6 12.5" />),
  first: make(<path d="M11.5 3.5 7 8l4.5 4.5M4 3.5v9" />),
  last: make(<path d="M4.5 3.5 9 8l-4.5 4.5M12 3.5v9" />),
  retry: make(<path d="M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3" />),
  stop: make(<rect x="4" y="4" width="8" height="8" rx="1.5" />),
  copy: make(
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.5v-.25A1.25 1.25 0 0 0 9.25 2h-6A1.25 1.25 0 0 0 2 3.25v6A1.25 1.25 0 0 0 3.25 10.5h.25" />
    </>,
  ),
  link: make(
    <path d="M6.5 9.5a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.5 6.5a2.6 2.6 0 0 0-3.7 0L3.5 8.8a2.6 2.6 0 0 0 3.7 3.7l.8-.8" />,
  ),
  braces: make(
    <path d="M6 2.5c-1.7 0-2 .8-2 2.2C4 6.4 3.6 8 2.5 8 3.6 8 4 9.6 4 11.3c0 1.4.3 2.2 2 2.2M10 2.5c1.7 0 2 .8 2 2.2C12 6.4 12.4 8 13.5 8c-1.1 0-1.5 1.6-1.5 3.3 0 1.4-.3 2.2-2 2.2" />,
  ),
  settings: make(<path d="M2.5 5h6M12 5h1.5M2.5 11H4M7.5 11h6M8.5 3.25v3.5M4 9.25v3.5" />),
  columns: make(
    <>
      <rect x="2.5" y="3" width="11" height="10" rx="1.5" />
      <path d="M6.2 3v10M9.8 3v10" />
    </>,
  ),
  sort: make(<path d="M5 3v10m0 0-2.5-2.5M5 13l2.5-2.5M11 13V3m0 0L8.5 5.5M11 3l2.5 2.5" />),
  filter: make(<path d="M2.5 4.5h11M4.5 8h7M6.5 11.5h3" />),
  download: make(<path d="M8 2.5v7m0 0L5.2 6.7M8 9.5l2.8-2.8M2.5 12.5h11" />),
  calendar: make(
    <>
      <rect x="2.5" y="3.5" width="11" height="10" rx="1.5" />
      <path d="M2.5 6.5h11M5.5 2v2.5M10.5 2v2.5" />
    </>,
  ),
  clock: make(
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="M8 4.8V8l2.2 1.4" />
    </>,
  ),
  pause: make(<path d="M5.5 3.5v9M10.5 3.5v9" />),
  play: make(<path d="M5 3.5v9l7.5-4.5z" />),
  warning: make(<path d="M8 2.5 14 13H2zM8 6.5V9.5M8 11.3v.1" />),
  info: make(
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="M8 7.5v3.2M8 5.3v.1" />
    </>,
  ),
  external: make(
    <path d="M9.5 3h3.5v3.5M13 3 7.5 8.5M11.5 9.5v2.25c0 .7-.55 1.25-1.25 1.25h-6C3.55 13 3 12.45 3 11.75v-6c0-.7.55-1.25 1.25-1.25H6.5" />,
  ),
  bell: make(
    <path d="M3 11.5h10c-.9-1-1.4-1.9-1.4-4.6 0-2.4-1.3-4-3.6-4s-3.6 1.6-3.6 4c0 2.7-.5 3.6-1.4 4.6ZM6.7 13.7h2.6" />,
  ),
  more: make(<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />),
} as const;

/** The sign of each state: they differ by shape, not by colour alone. */
const signs: Record<string, ReactNode> = {
  QUEUED: <circle cx="8" cy="8" r="5" strokeDasharray="2.1 2" />,
  SCHEDULED: (
    <>
      <circle cx="8" cy="8" r="5.25" />
      <path d="M8 5v3.2l2 1.3" />
    </>
  ),
  EXECUTING: <path d="M13.25 8A5.25 5.25 0 1 1 8 2.75" strokeWidth="2" />,
  EXECUTION_COMPLETED: (
    <>
      <circle cx="8" cy="8" r="5.25" />
      <path d="M8 2.75a5.25 5.25 0 0 1 0 10.5z" fill="currentColor" stroke="none" />
    </>
  ),
  SUBMITTING: (
    <>
      <circle cx="8" cy="8" r="5.25" />
      <path d="M8 10.7V5.5M5.9 7.4 8 5.3l2.1 2.1" />
    </>
  ),
  CANCELLING: (
    <>
      <circle cx="8" cy="8" r="5.25" strokeDasharray="3 1.6" />
      <rect x="6" y="6" width="4" height="4" fill="currentColor" stroke="none" />
    </>
  ),
  COMPLETED: (
    <>
      <circle cx="8" cy="8" r="6" fill="currentColor" stroke="none" />
      <path d="m5.3 8.2 1.9 1.9 3.6-4" stroke="var(--card)" />
    </>
  ),
  CANCELLED: (
    <>
      <circle cx="8" cy="8" r="5.25" />
      <path d="m4.4 11.6 7.2-7.2" />
    </>
  ),
  FAILED: (
    <>
      <path d="M8 1.7 14.3 8 8 14.3 1.7 8z" fill="currentColor" stroke="none" />
      <path d="M8 5v3.3M8 10.7v.1" stroke="var(--card)" />
    </>
  ),
  UNKNOWN: <path d="M5.8 6a2.2 2.2 0 1 1 3.3 1.9C8.4 8.3 8 8.7 8 9.5M8 12v.1" />,
};

export function StateSign({ state, size = 16 }: { state: string; size?: number }) {
  return (
    <Icon width={size} height={size} className={`sign tone-${state.toLowerCase()}`}>
      {signs[state] ?? signs.UNKNOWN}
    </Icon>
  );
}
