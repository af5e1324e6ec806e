import { useEffect, useState } from 'react';
import { connection } from './connection';

const HOUR = 3_600_000;
const CHECK = 5_000;

const hourOf = (at: number) => Math.floor(at / HOUR);

/** A moment of the present hour: another one once the next hour has begun, so that charts are not drawn each second. */
export function useHour(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (connection.getMode() === 'paused') return;
      setNow((before) => (hourOf(before) === hourOf(Date.now()) ? before : Date.now()));
    }, CHECK);
    return () => clearInterval(timer);
  }, []);
  return now;
}
