import { connection, type Mode } from '../live/connection';
import { useMode } from '../live/hooks';
import { icons } from '../ui/icons';

const texts: Record<Mode, [label: string, hint: string]> = {
  connecting: ['Connecting', 'The connection for live updates is being made.'],
  socket: ['Live', 'What changes shows at once, over a WebSocket.'],
  events: ['Live', 'What changes shows at once, as server-sent events.'],
  polling: ['Polling', 'The server is asked every few seconds: no live connection gets through.'],
  paused: ['Paused', 'Nothing on this page changes until you go on.'],
  offline: ['Offline', 'The server cannot be reached. This page tries again by itself.'],
};

/** How what is shown is kept up to date, and the switch that holds it still. */
export function LiveStatus() {
  const mode = useMode();
  const [label, hint] = texts[mode];
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
        title={isPaused ? 'Go on with live updates' : 'Pause live updates'}
        onClick={() => connection.pause(!isPaused)}
      >
        {isPaused ? <icons.play width={14} height={14} /> : <icons.pause width={14} height={14} />}
        <span className="hidden">{isPaused ? 'Resume live updates' : 'Pause live updates'}</span>
      </button>
    </div>
  );
}
