import { t } from '../i18n';
import { connection } from '../live/connection';
import { useMode } from '../live/hooks';
import { icons } from '../ui/icons';

/** How what is shown is kept up to date, and the switch that holds it still. */
export function LiveStatus() {
  const mode = useMode();
  const { label, hint } = t.live[mode];
  const isPaused = mode === 'paused';
  return (
    <div className={`live is-${mode}`}>
      <span className="live-state" role="status" title={hint}>
        <span className="live-dot" aria-hidden="true" />
        <span className="live-label">{label}</span>
        <span className="hidden">{hint}</span>
      </span>
      <button
        type="button"
        className="icon-button small"
        data-shortcut="pause"
        title={isPaused ? t.live.resume : t.live.pause}
        onClick={() => connection.pause(!isPaused)}
      >
        {isPaused ? <icons.play width={14} height={14} /> : <icons.pause width={14} height={14} />}
        <span className="hidden">{isPaused ? t.live.resume : t.live.pause}</span>
      </button>
    </div>
  );
}
