import { useEffect, useRef, useState } from 'react';

/** How long after the last letter what was typed is applied. */
const DEBOUNCE = 250;

/**
 * The text of a field that is applied as it is typed, a moment after the last letter. It follows
 * `text` when that changes by itself: by the way back, a link, all filters cleared.
 */
export function useTyped(
  text: string,
  apply: (text: string) => void,
): [typed: string, setTyped: (text: string) => void] {
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  const latest = useRef(apply);
  latest.current = apply;
  useEffect(() => {
    if (text !== sent.current) {
      sent.current = text;
      setTyped(text);
    }
  }, [text]);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = wanted;
      latest.current(wanted);
    }, DEBOUNCE);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}

/**
 * The text of a field that means a value. It stays as it was typed: 90m is not turned into 1h30m under
 * the user's hands. What means nothing is not applied.
 */
export function useParsed<T extends string | number>(
  value: T | undefined,
  parse: (text: string) => T | undefined,
  format: (value: T) => string,
  change: (value: T | undefined) => void,
): { typed: string; setTyped(text: string): void; isWrong: boolean } {
  const applied = useRef('');
  const shown = value === undefined ? '' : format(value);
  const text = parse(applied.current) === value ? applied.current : shown;
  const [typed, setTyped] = useTyped(text, (next) => {
    const parsed = parse(next);
    if (next && parsed === undefined) return;
    applied.current = next;
    change(parsed);
  });
  return { typed, setTyped, isWrong: typed.trim() !== '' && parse(typed) === undefined };
}
