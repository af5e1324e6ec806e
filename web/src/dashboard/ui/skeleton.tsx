/** What stands in for something that is loading, at its size and in its shape, so that nothing jumps. */

/** Rows of a list. */
export function Skeleton({ rows, height }: { rows: number; height: number }) {
  return (
    <div aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same.
        <div key={index} className="skeleton-row" style={{ height }}>
          <Line width={`${28 + ((index * 37) % 40)}%`} />
        </div>
      ))}
    </div>
  );
}

/** The page of a job: its title, its facts, and its run. */
export function JobSkeleton() {
  return (
    <div className="job skeleton" aria-hidden="true">
      <Line width="16rem" />
      <div className="skeleton-title">
        <Line width="20rem" />
        <Line width="7rem" />
        <Line width="9rem" />
      </div>
      <div className="skeleton-facts">
        {['8rem', '7rem', '9rem', '9rem', '8rem'].map((width, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they stay where they are.
          <Line key={index} width={width} />
        ))}
      </div>
      <RunSkeleton />
    </div>
  );
}

/** A run: the card of the agent, that of processing, and the timeline. */
export function RunSkeleton() {
  return (
    <>
      <div className="cards skeleton" aria-hidden="true">
        {['agent', 'processing'].map((card) => (
          <div key={card} className="card">
            <Line width="5rem" />
            <Line width="100%" />
            <div className="figures">
              {['4.5rem', '4rem', '4.5rem', '4rem'].map((width, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: they stay where they are.
                <Line key={index} width={width} />
              ))}
            </div>
            <Line width="9rem" />
            <Line width="100%" />
            <Line width="18rem" />
            <Line width="6rem" />
            <Line width="100%" />
            <Line width="15rem" />
          </div>
        ))}
      </div>
      <div className="card skeleton" aria-hidden="true">
        <Line width="6rem" />
        <Line width="100%" />
        <Line width="100%" />
      </div>
    </>
  );
}

const Line = ({ width }: { width: string }) => <span className="skeleton-line" style={{ width }} />;
