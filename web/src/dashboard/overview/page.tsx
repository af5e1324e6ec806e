import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { useAgentNames, useConfigurationNames } from '../data/hooks';
import { isUuid } from '../data/ids';
import { zoneOf } from '../format/time';
import { t } from '../i18n';
import { useSettings } from '../settings/settings';
import { usePageTitle } from '../shell/title';
import { icons } from '../ui/icons';
import { Picker } from '../ui/picker';
import { type Grouping, Groups, groupings } from './groups';
import { isLength, type Length, lengthKeys } from './span';
import { everything, Statistics, type Subject } from './statistics';
import { Today } from './today-card';

const isGrouping = (text: string | null): text is Grouping =>
  groupings.some((each) => each === text);

/** What finished over time, whether today is normal, and which sources get worse. */
export function OverviewPage() {
  usePageTitle(t.overview.title);
  const settings = useSettings();
  const [params, setParams] = useSearchParams();
  const idsOf = (name: string) => (params.get(name) ?? '').split(',').filter(isUuid);
  const subject: Subject = {
    configurationIds: idsOf('configuration'),
    agentIds: idsOf('agent'),
    providers: params.getAll('provider').filter(Boolean),
  };
  const wanted = params.get('time');
  const length: Length = isLength(wanted) ? wanted : 'day';
  const isTable = params.get('view') === 'table';
  const group = params.get('by');
  const by = isGrouping(group) ? group : 'configuration';
  const [isAsked, setAsked] = useState(false);
  const load = () => setAsked(true);
  const configurations = useConfigurationNames(isAsked || subject.configurationIds.length > 0);
  const agents = useAgentNames(isAsked || subject.agentIds.length > 0);
  const providers = [...new Set(configurations.data?.map(({ hint }) => hint))]
    .filter((provider) => provider !== undefined)
    .map((provider) => ({ id: provider, name: provider }));
  const changed = (name: string, values: readonly string[]) => {
    const after = new URLSearchParams(params);
    after.delete(name);
    for (const value of values) if (value) after.append(name, value);
    return after;
  };
  const set = (name: string, ...values: string[]) =>
    setParams(changed(name, values), { replace: true });
  const isNarrowed = Object.values(subject).some((each) => each.length > 0);
  return (
    <>
      <header className="page-head">
        <h1>{t.overview.title}</h1>
        <search className="page-filters" aria-label={t.overview.filter}>
          <LengthChoice length={length} choose={(next) => set('time', next)} />
          <Picker
            label={t.filters.provider}
            find={t.filters.findProvider}
            options={isAsked || configurations.data ? providers : undefined}
            chosen={subject.providers}
            choose={(all) => set('provider', ...all)}
            load={load}
            isLoading={configurations.isPending}
          />
          <Picker
            label={t.filters.configuration}
            find={t.filters.findConfiguration}
            options={configurations.data}
            chosen={subject.configurationIds}
            choose={(ids) => set('configuration', ids.join(','))}
            load={load}
            isLoading={configurations.isPending}
          />
          <Picker
            label={t.filters.agent}
            find={t.filters.findAgent}
            options={agents.data}
            chosen={subject.agentIds}
            choose={(ids) => set('agent', ids.join(','))}
            load={load}
            isLoading={agents.isPending}
          />
          {isNarrowed && (
            <button
              type="button"
              className="button is-quiet"
              onClick={() =>
                setParams(
                  (before) => {
                    const after = new URLSearchParams(before);
                    for (const name of ['configuration', 'agent', 'provider']) after.delete(name);
                    return after;
                  },
                  { replace: true },
                )
              }
            >
              {t.filters.clear}
            </button>
          )}
        </search>
        <TableSwitch isTable={isTable} choose={(next) => set('view', next ? 'table' : '')} />
      </header>
      <Today subject={subject} />
      <Statistics subject={subject} length={length} isTable={isTable} />
      <Groups
        subject={subject}
        length={length}
        by={by}
        choose={(next) => set('by', next)}
        only={(provider) => `/overview?${changed('provider', [provider])}`}
      />
      <p className="zone-note muted">
        {length === 'month' || length === 'year' ? t.overview.utc : t.jobs.zone(zoneOf(settings))}
      </p>
    </>
  );
}

export function LengthChoice({ length, choose }: { length: Length; choose(length: Length): void }) {
  return (
    <fieldset className="segments">
      <legend className="hidden">{t.overview.time}</legend>
      {lengthKeys.map((key) => (
        <label key={key} className="segment">
          <input type="radio" name="time" checked={key === length} onChange={() => choose(key)} />
          <span>{t.overview.lengths[key]}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function TableSwitch({
  isTable,
  choose,
}: {
  isTable: boolean;
  choose(isTable: boolean): void;
}) {
  return (
    <button
      type="button"
      className="button table-switch"
      aria-pressed={isTable}
      onClick={() => choose(!isTable)}
    >
      <icons.columns width={14} height={14} /> {t.overview.asTable}
    </button>
  );
}

/** The statistics of one configuration or agent, on its page. They are read once they are opened. */
export function StatisticsOf({ subject }: { subject: Partial<Subject> }) {
  const [length, setLength] = useState<Length>('month');
  const [isTable, setTable] = useState(false);
  const of = { ...everything, ...subject };
  return (
    <>
      <div className="statistics-tools">
        <LengthChoice length={length} choose={setLength} />
        <TableSwitch isTable={isTable} choose={setTable} />
      </div>
      <Today subject={of} />
      <Statistics subject={of} length={length} isTable={isTable} />
    </>
  );
}
