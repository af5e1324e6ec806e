import { t } from '../i18n';
import { useNow } from '../live/clock';
import { icons } from '../ui/icons';
import { Ago } from '../ui/time';

/** After so long without a sign an agent is silent. Agents report or ask for work within a minute. */
const SILENT_AFTER = 3 * 60_000;

export const isSilent = (lastSeen: string | null, now: number): boolean =>
  lastSeen !== null && now - Date.parse(lastSeen) > SILENT_AFTER;

/** When an agent was last seen, marked if that is long ago. */
export function LastSeen({ at }: { at: string | null | undefined }) {
  const now = useNow();
  return (
    <span className="last-seen">
      <Ago at={at} />
      {at && isSilent(at, now) && (
        <span className="silent tone-failed toned" title={t.agents.silentHint}>
          <icons.warning width={13} height={13} /> {t.agents.silent}
        </span>
      )}
    </span>
  );
}
