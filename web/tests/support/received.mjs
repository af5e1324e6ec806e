// What a subscription brings, to be looked at one after the other.

/** Nothing that is waited for takes as long on a machine that works. */
const TIMEOUT = 20_000;

export class Received {
  #read;
  #arrived = [];
  #waiting = [];

  /** `read` takes the value out of what a client says. */
  constructor(read = (value) => value) {
    this.#read = read;
  }

  /** Something came: `{ value }`, `{ error }` or `{ isOver: true }`. */
  #put(event) {
    const wanted = this.#waiting.shift();
    if (wanted) wanted(event);
    else this.#arrived.push(event);
  }

  // As clients of streams call what they write to.
  next = (value) => this.#put({ value });
  error = (error) => this.#put({ error });
  complete = () => this.#put({ isOver: true });

  async #take() {
    if (this.#arrived.length > 0) return this.#arrived.shift();
    let timer;
    const tooLate = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('nothing came')), TIMEOUT);
    });
    const event = new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
    return await Promise.race([event, tooLate]).finally(() => clearTimeout(timer));
  }

  /** What came next, if it is a value. */
  async value() {
    const event = await this.#take();
    if ('value' in event) return this.#read(event.value);
    throw new Error('the stream has ended', { cause: event.error });
  }

  /** The first value that is as wanted. */
  async until(isWanted) {
    for (;;) {
      const value = await this.value();
      if (isWanted(value)) return value;
    }
  }

  /** The stream's end: its error, or undefined. Values before it are passed over. */
  async end() {
    for (;;) {
      const event = await this.#take();
      if ('error' in event) return event.error;
      if ('isOver' in event) return undefined;
    }
  }
}
