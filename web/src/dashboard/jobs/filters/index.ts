export { Filters } from './bar';
export { SortMenu } from './sort-menu';
