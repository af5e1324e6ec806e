import * as Popover from '@radix-ui/react-popover';
import { useViewer } from '../data/viewer';
import { full, zoneOf } from '../format/time';
import { useNow } from '../live/clock';
import { icons } from '../ui/icons';
import { Moment } from '../ui/time';
import { changeSettings, type Settings, useSettings } from './settings';

const themes = { system: 'System', light: 'Light', dark: 'Dark' } as const;

function zones(): readonly string[] {
  return typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
}

export function SettingsMenu({ showKeys }: { showKeys(): void }) {
  return (
    <Popover.Root>
      <Popover.Trigger className="icon-button" title="Settings">
        <icons.settings />
        <span className="hidden">Settings</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover settings"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          aria-label="Settings"
        >
          <Choices showKeys={showKeys} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Choices({ showKeys }: { showKeys(): void }) {
  const settings = useSettings();
  const now = useNow();
  const local = zoneOf({ zone: 'local' });
  const isOther = settings.zone !== 'local' && settings.zone !== 'UTC';
  return (
    <>
      <fieldset className="setting">
        <legend>Theme</legend>
        <div className="segments">
          {(Object.keys(themes) as Settings['theme'][]).map((theme) => (
            <label key={theme} className="segment">
              <input
                type="radio"
                name="theme"
                checked={settings.theme === theme}
                onChange={() => changeSettings({ theme })}
              />
              <span>{themes[theme]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <label className="setting">
        <span>Times in</span>
        <select
          className="input"
          value={settings.zone}
          onChange={(event) => changeSettings({ zone: event.target.value })}
        >
          <option value="local">Local: {local}</option>
          <option value="UTC">UTC</option>
          {isOther && !zones().includes(settings.zone) && <option>{settings.zone}</option>}
          {zones()
            .filter((zone) => zone !== 'UTC')
            .map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
        </select>
      </label>
      <fieldset className="setting">
        <legend>Hours</legend>
        <div className="segments">
          {(['24', '12'] as const).map((hours) => (
            <label key={hours} className="segment">
              <input
                type="radio"
                name="hours"
                checked={settings.hours === hours}
                onChange={() => changeSettings({ hours })}
              />
              <span>{hours} hours</span>
            </label>
          ))}
        </div>
      </fieldset>
      <p className="muted setting-now">Now: {full(new Date(now).toISOString(), settings)}</p>
      <label className="option">
        <input
          type="checkbox"
          checked={settings.keys}
          onChange={(event) => changeSettings({ keys: event.target.checked })}
        />
        Single-key shortcuts
      </label>
      <SignedIn />
      <div className="setting-links">
        <button type="button" className="button is-quiet" onClick={showKeys}>
          Keyboard shortcuts
        </button>
        <a className="button is-quiet" href="graphiql">
          GraphiQL <icons.external width={13} height={13} />
        </a>
      </div>
    </>
  );
}

/** Who is signed in, and the way out. Nothing where the service asks nobody who they are. */
function SignedIn() {
  const viewer = useViewer();
  if (!viewer || viewer.name === 'anyone') return null;
  return (
    <form className="signed-in" method="post" action="sign-out">
      <span className="one-line">
        <b>{viewer.name}</b>{' '}
        <span className="muted">
          {viewer.role.toLowerCase()}
          {viewer.expires && (
            <>
              , until <Moment at={viewer.expires} />
            </>
          )}
        </span>
      </span>
      <button type="submit" className="button is-quiet">
        Sign out
      </button>
    </form>
  );
}
