import { type ReactNode, useId } from 'react';

/** A button that says why it cannot be used now: when pointed at, focused, or read out. */
export function ActionButton({
  blocked,
  onClick,
  children,
}: {
  /** Why it is not possible; undefined if it is. */
  blocked: string | undefined;
  onClick(): void;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <span className="with-reason">
      <button
        type="button"
        className="button"
        // It keeps the focus, so that its reason can be reached.
        aria-disabled={blocked !== undefined}
        aria-describedby={blocked === undefined ? undefined : id}
        onClick={blocked === undefined ? onClick : undefined}
      >
        {children}
      </button>
      {blocked !== undefined && (
        <span role="tooltip" id={id} className="reason">
          {blocked}
        </span>
      )}
    </span>
  );
}
