/** The title of a failure group. What differs between its messages stands back. */
export function Cause({ title }: { title: string }) {
  return title.split(/(<[a-z][a-z ]*>)/).map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a title does not change.
      <span key={index} className="placeholder">
        {part}
      </span>
    ) : (
      part
    ),
  );
}
