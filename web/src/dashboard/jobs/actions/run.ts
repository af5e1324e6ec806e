/** An action on several jobs while it runs: batch by batch, until its end or until it is stopped. */

/** Hands out the ids of the jobs that are meant, a batch at a time, and undefined at the end. */
export interface Source {
  next(): Promise<readonly string[] | undefined>;
}

export interface Result {
  refusal: { code: string; message: string } | null;
}

export type Send = (ids: readonly string[]) => Promise<readonly Result[]>;

export interface Refused {
  code: string;
  message: string;
  n: number;
}

export interface Progress {
  /**
   * `stopping` ends after the present batch; `failed` can be resumed; `finished` has come to the
   * end, and `stopped` has not.
   */
  status: 'running' | 'stopping' | 'stopped' | 'failed' | 'finished';
  done: number;
  /** What the server refused, by its reason. */
  refused: readonly Refused[];
  error: unknown;
}

export const hasEnded = ({ status }: Progress): boolean =>
  status === 'stopped' || status === 'finished';

export const handled = ({ done, refused }: Progress): number =>
  refused.reduce((sum, { n }) => sum + n, done);

export class Run {
  private progress: Progress = { status: 'running', done: 0, refused: [], error: undefined };
  private readonly listeners = new Set<() => void>();
  private readonly sources: Source[];
  /** A batch whose answer did not come. */
  private pending: readonly string[] | undefined;

  constructor(
    sources: readonly Source[],
    private readonly send: Send,
  ) {
    this.sources = [...sources];
  }

  get = (): Progress => this.progress;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Runs to the end, or on from where it failed. Resolves when it has stopped for any reason. */
  async start(): Promise<void> {
    this.set({ status: 'running', error: undefined });
    try {
      while (this.progress.status === 'running') {
        const batch = this.pending ?? (await this.nextBatch());
        if (!batch) {
          this.set({ status: 'finished' });
          return;
        }
        this.pending = batch;
        // Asked to stop while the batch was looked up.
        if (this.get().status !== 'running') break;
        this.note(await this.send(batch));
        this.pending = undefined;
      }
      this.set({ status: 'stopped' });
    } catch (error) {
      this.set({ status: 'failed', error });
    }
  }

  /** Ends it after the batch that has been sent; at once if none is under way. */
  stop(): void {
    if (this.progress.status === 'running') this.set({ status: 'stopping' });
    else if (this.progress.status === 'failed') this.set({ status: 'stopped' });
  }

  private async nextBatch(): Promise<readonly string[] | undefined> {
    for (let [source] = this.sources; source; [source] = this.sources) {
      const batch = await source.next();
      if (batch) return batch;
      this.sources.shift();
    }
    return undefined;
  }

  private note(results: readonly Result[]): void {
    const refused = new Map(this.progress.refused.map((each) => [each.code, each]));
    let { done } = this.progress;
    for (const { refusal } of results) {
      if (!refusal) done += 1;
      else {
        const n = (refused.get(refusal.code)?.n ?? 0) + 1;
        refused.set(refusal.code, { ...refusal, n });
      }
    }
    this.set({ done, refused: [...refused.values()] });
  }

  private set(change: Partial<Progress>): void {
    this.progress = { ...this.progress, ...change };
    for (const listener of this.listeners) listener();
  }
}
