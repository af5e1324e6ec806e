/** Actions on jobs. The dialog, which a visit need not open, is loaded when it is asked for. */
import { lazy } from 'react';

export { BulkCard } from './card';
export type { Request } from './dialog';
export { type Action, type ChosenJob, obstacleTo, presentState } from './eligible';

export const ActionDialog = lazy(async () => ({
  default: (await import('./dialog')).ActionDialog,
}));
