import { useEffect } from 'react';
import type { JobState } from '../data/types';

/** The title of the browser's tab. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · agent-jobs`;
  }, [title]);
}

/** Marks before a job's name, for the states that need no percentage. */
const marks: Partial<Record<JobState, string>> = {
  COMPLETED: '✓',
  FAILED: '✕',
  CANCELLED: '⊘',
};

/** A job's title: its outcome, or how far it is, and then its name, since tabs cut titles short. */
export function jobTitle(name: string, state: JobState, progress: string | undefined): string {
  const mark = marks[state];
  if (mark) return `${mark} ${name}`;
  return progress ? `${progress} · ${name}` : name;
}

/**
 * The colour of each state's icon: middle tones that can be seen on light and dark tabs. An icon
 * cannot read the page's style sheet.
 */
const colours: Record<JobState, string> = {
  QUEUED: '#8391a7',
  EXECUTING: '#3b82f6',
  EXECUTION_COMPLETED: '#8b5cf6',
  SUBMITTING: '#8b5cf6',
  CANCELLING: '#d4a017',
  COMPLETED: '#12a37a',
  FAILED: '#e0532b',
  CANCELLED: '#a08d8d',
  UNKNOWN: '#b0709a',
};

/** Signs that differ by shape as well as colour. */
const shapes: Partial<Record<JobState, string>> = {
  COMPLETED: '<path d="m4.5 8.3 2.5 2.5 4.6-5.2"/>',
  FAILED: '<path d="m5 5 6 6m0-6-6 6"/>',
  CANCELLED: '<path d="m4.5 11.5 7-7"/>',
};

const running = '<circle cx="8" cy="8" r="2.5" fill="#fff" stroke="none"/>';

/** An icon for a state, as an address that needs no request. */
export function stateIcon(state: JobState): string {
  const shape = shapes[state] ?? (state === 'QUEUED' || state === 'UNKNOWN' ? '' : running);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7.5" fill="${colours[state]}"/><g fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round">${shape}</g></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Shows a state as the tab's icon; without one, the product's own. */
export function useTabIcon(state: JobState | undefined): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (!link || !state) return;
    const own = link.href;
    link.href = stateIcon(state);
    return () => {
      link.href = own;
    };
  }, [state]);
}
