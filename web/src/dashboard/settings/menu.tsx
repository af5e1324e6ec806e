import * as Popover from '@radix-ui/react-popover';
import { usePrincipal } from '../data/principal';
import { full, zoneOf } from '../format/time';
import { type LanguageSetting, languageNames, t } from '../i18n';
import { useNow } from '../live/clock';
import { icons } from '../ui/icons';
import { Moment } from '../ui/time';
import { changeSettings, useSettings } from './settings';

const themes = ['system', 'light', 'dark'] as const;

function zones(): readonly string[] {
  return typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
}

export function SettingsMenu({ showKeys }: { showKeys(): void }) {
  return (
    <Popover.Root>
      <Popover.Trigger className="icon-button" title={t.settings.title}>
        <icons.settings />
        <span className="hidden">{t.settings.title}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover settings"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          aria-label={t.settings.title}
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
      <label className="setting">
        <span>{t.settings.language}</span>
        <select
          className="input"
          value={settings.language}
          onChange={(event) => changeSettings({ language: event.target.value as LanguageSetting })}
        >
          <option value="auto">{t.settings.automatic}</option>
          {languageNames.map(([language, name]) => (
            <option key={language} value={language} lang={language}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="setting">
        <legend>{t.settings.theme}</legend>
        <div className="segments">
          {themes.map((theme) => (
            <label key={theme} className="segment">
              <input
                type="radio"
                name="theme"
                checked={settings.theme === theme}
                onChange={() => changeSettings({ theme })}
              />
              <span>{t.settings.themes[theme]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <label className="setting">
        <span>{t.settings.zone}</span>
        <select
          className="input"
          value={settings.zone}
          onChange={(event) => changeSettings({ zone: event.target.value })}
        >
          <option value="local">{t.settings.local(local)}</option>
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
        <legend>{t.settings.timeFormat}</legend>
        <div className="segments">
          {(['24', '12'] as const).map((hours) => (
            <label key={hours} className="segment">
              <input
                type="radio"
                name="hours"
                checked={settings.hours === hours}
                onChange={() => changeSettings({ hours })}
              />
              <span>{t.settings.hours[hours]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <p className="muted setting-now">
        {t.settings.now(full(new Date(now).toISOString(), settings))}
      </p>
      <label className="option">
        <input
          type="checkbox"
          checked={settings.keys}
          onChange={(event) => changeSettings({ keys: event.target.checked })}
        />
        {t.settings.keys}
      </label>
      <SignedIn />
      <div className="setting-links">
        <button type="button" className="button is-quiet" onClick={showKeys}>
          {t.shortcuts.title}
        </button>
        <a className="button is-quiet" href="graphiql">
          GraphiQL <icons.external width={13} height={13} />
        </a>
        <a className="button is-quiet" href="openapi">
          {t.settings.rest} <icons.external width={13} height={13} />
        </a>
      </div>
    </>
  );
}

/** Who is signed in, and the way out. Nothing where the service has no access control. */
function SignedIn() {
  const principal = usePrincipal();
  if (!principal || principal.name === 'anyone') return null;
  return (
    <form className="signed-in" method="post" action="sign-out">
      <span className="one-line">
        <b>{principal.name}</b>{' '}
        <span className="muted">
          {principal.expires
            ? t.settings.until(t.settings.role(principal.role), <Moment at={principal.expires} />)
            : t.settings.role(principal.role)}
        </span>
      </span>
      <button type="submit" className="button is-quiet">
        {t.settings.signOut}
      </button>
    </form>
  );
}
