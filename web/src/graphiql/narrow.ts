/** Whether the panes are stacked, as in style.css. */
export const isNarrow = () => matchMedia('(max-width: 48rem)').matches;
