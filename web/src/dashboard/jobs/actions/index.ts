export { BulkCard } from './card';
export { ActionDialog, type Request } from './dialog';
export { type Action, type ChosenJob, obstacleTo, presentState } from './plan';
