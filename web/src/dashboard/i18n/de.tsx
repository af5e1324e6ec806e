/** The German texts. */
import type { ReactNode } from 'react';
import { listAnd, listOr } from '../format/list';
import { count, plural, pluralForm } from '../format/number';
import type { Messages } from '.';

const job = { one: 'Job', other: 'Jobs' };
const clue = { one: 'Clue', other: 'Clues' };
const jobs = (n: number) => plural(n, job);

const states: Messages['states'] = {
  EXECUTING: { label: 'Läuft', hint: 'Ein Agent führt den Job aus.' },
  QUEUED: {
    label: 'Wartend',
    hint: 'Wartet auf einen Agenten oder auf den geplanten Zeitpunkt.',
  },
  FAILED: { label: 'Fehlgeschlagen', hint: 'Mit einem Fehler beendet.' },
  COMPLETED: { label: 'Abgeschlossen', hint: 'Erfolgreich beendet.' },
  CANCELLED: { label: 'Abgebrochen', hint: 'Abgebrochen.' },
  EXECUTION_COMPLETED: {
    label: 'Agent fertig',
    hint: 'Der Agent ist fertig; einige Ergebnisse sind noch nicht übermittelt.',
  },
  SUBMITTING: {
    label: 'Wird übermittelt',
    hint: 'Die letzten Ergebnisse werden übermittelt.',
  },
  CANCELLING: {
    label: 'Wird abgebrochen',
    hint: 'Abbruch angefordert; Bestätigung des Agenten steht aus.',
  },
  UNKNOWN: { label: 'Unbekannt', hint: 'Ein Status, den diese Version des Dienstes nicht kennt.' },
  SCHEDULED: { label: 'Geplant', hint: 'Wartet auf den geplanten Zeitpunkt.' },
};

/** States before a noun: `alle fehlgeschlagenen Jobs`. */
const adjectives: Record<keyof Messages['states'], string> = {
  EXECUTING: 'laufenden',
  QUEUED: 'wartenden',
  FAILED: 'fehlgeschlagenen',
  COMPLETED: 'abgeschlossenen',
  CANCELLED: 'abgebrochenen',
  EXECUTION_COMPLETED: 'vom Agenten beendeten',
  SUBMITTING: 'zu übermittelnden',
  CANCELLING: 'abzubrechenden',
  UNKNOWN: 'unbekannten',
  SCHEDULED: 'geplanten',
};

const lossOf = { failed: 'fehlgeschlagener Verarbeitung', missing: 'fehlenden Clues' };

/** Since when something happened, as part of a sentence. */
const within = {
  hour: 'in der letzten Stunde',
  today: 'heute',
  yesterday: 'seit gestern',
  week: 'in den letzten 7 Tagen',
  month: 'in den letzten 30 Tagen',
};

const happened = { created: 'erstellt', started: 'begonnen', finished: 'beendet' };

const priority = (n: number) => ({ 0: 'Niedrig', 2: 'Normal', 4: 'Hoch' })[n] ?? String(n);

export const de: Messages = {
  common: {
    loading: 'Wird geladen…',
    close: 'Schließen',
    dismiss: 'Ausblenden',
    actions: 'Aktionen',
    any: 'Beliebig',
    tryAgain: 'Erneut versuchen',
    breadcrumb: 'Brotkrümelnavigation',
    unknown: 'unbekannt',
    onlyFirst: (n: number) =>
      `Nur die ersten ${count(n)} nach Namen werden sortiert und durchsucht.`,
  },

  units: {
    day: 'T',
    hour: 'h',
    minute: 'm',
    second: 's',
    justNow: 'gerade eben',
    clockAhead: (time: string) => `${time} voraus: Uhren weichen ab`,
  },

  shell: {
    skip: 'Zum Inhalt springen',
    home: 'agent-jobs: alle Jobs',
    navigation: 'Hauptnavigation',
    offline: (
      <>
        <b>Server nicht erreichbar.</b> Angezeigt wird der letzte bekannte Stand; neuer Versuch
        läuft…
      </>
    ),
    pageNotFound: 'Seite nicht gefunden',
    backToJobs: 'Zurück zu den Jobs',
  },

  live: {
    connecting: { label: 'Verbindet', hint: 'Verbindung für Live-Updates wird aufgebaut.' },
    socket: { label: 'Live', hint: 'Live-Updates (WebSocket)' },
    events: { label: 'Live', hint: 'Live-Updates (Server-Sent Events)' },
    polling: { label: 'Abfrage', hint: 'Abfrage alle 3 s: keine Live-Verbindung möglich.' },
    paused: { label: 'Pausiert', hint: 'Live-Updates sind pausiert.' },
    offline: { label: 'Offline', hint: 'Server nicht erreichbar. Neuer Versuch läuft…' },
    pause: 'Updates pausieren',
    resume: 'Updates fortsetzen',
  },

  shortcuts: {
    title: 'Tastenkürzel',
    search: 'Suchen',
    move: 'Nächster Job, vorheriger Job',
    open: 'Job öffnen',
    select: 'Job auswählen',
    clear: 'Auswahl aufheben',
    page: 'Vorherige Seite, nächste Seite',
    executing: 'Laufende Jobs',
    pause: 'Updates pausieren oder fortsetzen',
    go: 'Zu Jobs, Übersicht, Fehlern, Konfigurationen, Agenten',
    goKeys: 'g, dann j, o, f, c, a',
    pageKeys: '[ und ]',
    enterKey: 'Eingabe',
    off: 'Tastenkürzel lassen sich in den Einstellungen abschalten.',
  },

  settings: {
    title: 'Einstellungen',
    language: 'Sprache',
    automatic: 'Automatisch',
    languageFailed: 'Die Sprache konnte nicht geladen werden. Bitte später erneut versuchen.',
    theme: 'Design',
    themes: { system: 'System', light: 'Hell', dark: 'Dunkel' },
    zone: 'Zeitzone',
    local: (zone: string) => `Lokal: ${zone}`,
    timeFormat: 'Uhrzeit',
    hours: { '24': '24 Stunden', '12': '12 Stunden' },
    now: (time: string) => `Jetzt: ${time}`,
    keys: 'Kürzel mit einer Taste',
    role: (name: string) =>
      ({ VIEWER: 'Betrachter', OPERATOR: 'Operator', ADMIN: 'Administrator', AGENT: 'Agent' })[
        name
      ] ?? name.toLowerCase(),
    until: (role: string, time: ReactNode): ReactNode => (
      <>
        {role}, bis {time}
      </>
    ),
    rest: 'OpenAPI',
    signOut: 'Abmelden',
  },

  states,
  processingStates: {
    UNKNOWN: 'Unbekannt',
    QUEUED: 'In Warteschlange',
    EXECUTING: 'Läuft',
    COMPLETED: 'Abgeschlossen',
    FAILED: 'Fehlgeschlagen',
    notStarted: 'Nicht begonnen',
  },

  priority,

  jobs: {
    processingFailed: 'Verarbeitung fehlgeschlagen',
    longerThanUsual: 'Länger als üblich',
    cluesMissing: (n: number) => plural(n, { one: 'Clue fehlt', other: 'Clues fehlen' }),
    title: 'Jobs',
    all: 'Alle Jobs',
    total: (shown: ReactNode, n: number): ReactNode => (
      <>
        {shown} {pluralForm(n, job)}
      </>
    ),
    byState: (owner: string | undefined) =>
      owner === undefined ? 'Jobs nach Status' : `Jobs nach Status, ${owner}`,
    found: (shown: string, n: number) => `${shown} ${pluralForm(n, job)}`,
    totalsNote: 'Die Zahlen oben berücksichtigen die Filter nicht.',
    views: {
      all: 'Alle',
      running: 'Laufend',
      finished: 'Beendet',
      next: 'Nächste',
      scheduled: 'Geplant',
    },
    claimOrder: 'Fällige Jobs werden nach Priorität und dann nach Fälligkeit vergeben.',
    viewsLabel: 'Jobstatus',
    news: 'Neue Aktivität · Aktualisieren',
    zone: (zone: string) => `Zeiten in ${zone}.`,
    due: (time: ReactNode): ReactNode => <>fällig {time}</>,
    overdue: (ago: string) => `Fällig ${ago}`,
    noConfiguration: 'Keine Konfiguration',
    noneRunning: 'Keine laufenden Jobs',
    noneRunningHint: 'Laufende Jobs erscheinen hier.',
    none: 'Noch keine Jobs',
    noneHint: (command: ReactNode, mutation: ReactNode): ReactNode => (
      <>
        Jobs einer Plattform mit {command} importieren oder einen mit {mutation} einreihen.
      </>
    ),
    noMatch: 'Keine passenden Jobs',
    noMatchHint: 'Kein Job passt zu diesen Filtern. Einen Filter entfernen, um mehr zu sehen.',
    searchMessages: (text: string) => `Meldungen nach „${text}“ durchsuchen`,
    select: (name: string) => `${name} auswählen`,
    selectPage: 'Alle Jobs dieser Seite auswählen',
    selection: 'Ausgewählte Jobs',
    selected: (n: number) => `${count(n)} ausgewählt`,
    selectedElsewhere: (n: number) => `${count(n)} davon auf anderen Seiten`,
    clearElsewhere: 'Diese abwählen',
    clearSelection: 'Auswahl aufheben',
    actionsFor: (name: string) => `Aktionen für ${name}`,
    progress: 'Fortschritt',
    progressOf: (name: string) => `Fortschritt von ${name}`,
    left: (time: string) => `noch ${time}`,
    rate: (tasks: string) => `${tasks} Aufgaben/min`,
    notReporting: 'keine Meldung',
    tasksDone: (done: string, all: string) => `${done} von ${all} abgeschlossen`,
    tasksFailed: (n: string) => `${n} fehlgeschlagen`,
  },

  columns: {
    title: 'Spalten',
    reset: 'Spalten zurücksetzen',
    state: 'Status',
    job: 'Job',
    agent: 'Agent',
    progress: 'Fortschritt',
    started: 'Begonnen',
    finished: 'Beendet',
    duration: 'Dauer',
    tasks: 'Aufgaben',
    clues: 'Clues',
    processing: 'Verarbeitung',
    message: 'Meldung',
    type: 'Typ',
    priority: 'Priorität',
    created: 'Erstellt',
    scheduled: 'Fällig',
    changed: 'Aktualisiert',
    updated: 'Letzte Meldung',
    rate: 'Aufgaben/min',
    id: 'ID',
  },

  filters: {
    title: 'Jobs filtern',
    clear: 'Filter zurücksetzen',
    inForce: 'Aktive Filter',
    remove: 'Filter entfernen:',
    quoted: (text: string) => `„${text}“`,
    labelled: (label: string, value: string) => `${label}: ${value}`,
    not: (state: string) => `Nicht ${state}`,
    match: 'Auswahl',
    include: 'Einschließen',
    exclude: 'Ausschließen',
    more: 'Weitere Filter',
    chosen: (n: number) => count(n),
    search: 'Nach Name oder ID suchen',
    searchHint: 'Name oder ID',
    searchKey: '/ drücken, um zu suchen',
    state: 'Status',
    states: 'Status',
    statesChosen: (n: number) => `${count(n)} Status`,
    configuration: 'Konfiguration',
    findConfiguration: 'Konfiguration suchen',
    agent: 'Agent',
    findAgent: 'Agent suchen',
    moreOptions: (n: number) => `${count(n)} weitere, zum Suchen tippen`,
    noOptions: 'Keine Treffer.',
    message: 'Meldung enthält',
    processing: 'Verarbeitung',
    losses: { failed: 'Verarbeitung fehlgeschlagen', missing: 'Clues fehlen' },
    failure: 'Fehler',
    priority: 'Priorität',
    provider: 'Anbieter',
    findProvider: 'Anbieter suchen',
    duration: 'Dauer',
    minDuration: 'Mindestens',
    maxDuration: 'Höchstens',
    durationExample: '1h30m',
    durationHint: 'Eine Dauer wie 90s, 10m oder 1h30m eingeben.',
    atLeast: (length: string) => `Dauer: mindestens ${length}`,
    atMost: (length: string) => `Dauer: höchstens ${length}`,
    whichTime: 'Zeitpunkt',
    times: { created: 'Erstellt', started: 'Begonnen', finished: 'Beendet' },
    ranges: {
      hour: 'Letzte Stunde',
      today: 'Heute',
      yesterday: 'Seit gestern',
      week: 'Letzte 7 Tage',
      month: 'Letzte 30 Tage',
    },
    customRange: (zone: string) => `Eigener Zeitraum (${zone})`,
    from: 'Von',
    to: 'Bis',
    dateOf: (bound: string) => `${bound}: Datum`,
    timeOf: (bound: string) => `${bound}: Uhrzeit`,
    timeHint: (example: string) => `Eine Uhrzeit wie ${example} eingeben.`,
    now: 'jetzt',
    anyTime: 'Beliebiger Zeitraum',
    sort: 'Sortierung',
    order: 'Reihenfolge',
    sorts: {
      newest: 'Neueste zuerst',
      oldest: 'Älteste zuerst',
      due: 'Früheste Fälligkeit zuerst',
      'due-down': 'Späteste Fälligkeit zuerst',
      started: 'Zuletzt begonnen',
      'started-up': 'Am frühesten begonnen',
      finished: 'Zuletzt beendet',
      'finished-up': 'Am frühesten beendet',
      longest: 'Längste Dauer zuerst',
      shortest: 'Kürzeste Dauer zuerst',
      priority: 'Höchste Priorität zuerst',
      'priority-up': 'Niedrigste Priorität zuerst',
      changed: 'Zuletzt aktualisiert',
      unchanged: 'Am längsten nicht aktualisiert',
      name: 'Name, A bis Z',
      'name-down': 'Name, Z bis A',
    },
    ignored: (parameter: ReactNode, hint: string): ReactNode => (
      <>
        Unbekannter Filter {parameter} wurde ignoriert. {hint}
      </>
    ),
    available: (names: string) => `Verfügbare Filter: ${names}.`,
    twice: (name: string) => `${name} ist mehrfach angegeben.`,
    mustBe: (name: string, expected: string) => `Erwartet für ${name}: ${expected}.`,
    expected: {
      oneOf: (values: string) => `einer der Werte ${values}`,
      id: 'eine UUID',
      range: (values: string) =>
        `einer der Werte ${values} oder ein Zeitraum wie 2026-05-01..2026-05-02`,
      length: 'eine Dauer wie 90s, 10m oder 1h30m',
      priority: 'eine ganze Zahl',
      page: 'eine ganze Zahl ab 1',
    },
    notWith: (name: string, other: string) => `${name} lässt sich nicht mit ${other} kombinieren.`,
  },

  pager: {
    title: 'Seiten',
    first: 'Erste Seite',
    previous: 'Vorherige Seite',
    next: 'Nächste Seite',
    last: 'Letzte Seite',
    page: 'Seite',
    rows: 'Zeilen',
    of: (pages: string) => `von ${pages}`,
    notFound: 'Seite nicht gefunden',
  },

  actions: {
    retry: 'Wiederholen…',
    cancel: 'Abbrechen…',
    force: 'Sofort abbrechen…',
    queue: 'Job einreihen…',
    again: 'Kopie einreihen…',
    bulk: 'Sammelaktionen',
    retryAll: 'Alle passenden Jobs wiederholen…',
    cancelAll: 'Alle passenden Jobs abbrechen…',
    appliesTo: (scope: ReactNode): ReactNode => <>Gilt für {scope}.</>,
    counting: 'Wird gezählt…',
    number: (n: number, isExact: boolean) => (isExact ? count(n) : `mehr als ${count(n)}`),
    jobs: (n: number, isExact: boolean) => (isExact ? jobs(n) : `mehr als ${jobs(n)}`),
    include: 'Einschließen',
    skipped: (n: string, reason: string) => `${n} übersprungen: ${reason}.`,
    reasons: {
      notFinished: 'noch nicht beendet',
      finished: 'bereits beendet',
      cancelling: 'Abbruch läuft bereits',
      unknown: 'Status unbekannt',
    },
    more: (n: number) => `und ${count(n)} weitere`,
    typeNumber: (n: ReactNode): ReactNode => <>Zur Bestätigung {n} eingeben</>,
    otherRunning: 'Eine andere Sammelaktion ist noch im Gange.',
    goesOn: 'Nach dem Schließen läuft die Aktion im Hintergrund weiter.',
    progress: (done: number, all: number, isExact: boolean) =>
      `${count(done)} von ${isExact ? '' : 'mehr als '}${count(all)} erledigt…`,
    stop: 'Anhalten',
    resume: 'Fortsetzen',
    giveUp: 'Hier beenden',
    stopping: 'Hält nach diesem Schritt an…',
    stopped: 'Angehalten',
    interrupted: 'Durch einen Fehler unterbrochen',
    finished: 'Fertig',
    refused: (n: number, code: string, message: string) =>
      `${count(n)} übersprungen: ${
        {
          NOT_FINISHED: 'noch nicht beendet',
          ALREADY_FINISHED: 'bereits beendet',
          NOT_FOUND: 'nicht mehr vorhanden',
        }[code] ?? message
      } (${code}).`,
    notStarted: (n: number, isExact: boolean) =>
      isExact ? `${count(n)} nicht begonnen.` : `Mindestens ${count(n)} nicht begonnen.`,
    changedMeanwhile: (n: number) => `${count(n)} ausgelassen: nach dem Zählen geändert.`,
    failed: 'Etwas ist schiefgegangen.',
    reason: 'Grund (optional)',
    notPossible: {
      notFinished: 'Nur beendete Jobs lassen sich wiederholen.',
      finished: 'Der Job ist bereits beendet.',
      cancelling: 'Der Abbruch ist bereits angefordert.',
      unknown: 'Der Status dieses Jobs ist unbekannt.',
      earlierRun: 'Nur der aktuelle Lauf lässt sich abbrechen.',
    },
    forRetry: {
      title: (name: string | undefined) => `${name ?? 'Jobs'} wiederholen?`,
      confirm: (what: string | undefined) => (what ? `${what} wiederholen` : 'Wiederholen'),
      possible: (n: number, all: number) =>
        `${count(n)} von ${count(all)} ausgewählten Jobs lassen sich wiederholen.`,
      running: 'Jobs werden wiederholt',
      effect:
        'Jeder Job kommt als neuer Lauf wieder in die Warteschlange. Frühere Läufe bleiben erhalten.',
      all: (n: number) =>
        `Alle passenden Jobs werden wiederholt, nicht nur die ersten ${count(n)}.`,
      none: 'Kein passender Job lässt sich wiederholen.',
      back: 'Zurück',
      done: (n: number) => `${jobs(n)} zur Wiederholung eingereiht.`,
    },
    forCancel: {
      title: (name: string | undefined) => `${name ?? 'Jobs'} abbrechen?`,
      confirm: (what: string | undefined) => (what ? `${what} abbrechen` : 'Abbrechen'),
      possible: (n: number, all: number) =>
        `${count(n)} von ${count(all)} ausgewählten Jobs lassen sich abbrechen.`,
      running: 'Jobs werden abgebrochen',
      effect:
        'Wartende Jobs werden sofort abgebrochen. Laufende Jobs enden mit der nächsten Meldung ihres Agenten.',
      all: (n: number) =>
        `Alle passenden Jobs werden abgebrochen, nicht nur die ersten ${count(n)}.`,
      none: 'Kein passender Job lässt sich abbrechen.',
      back: 'Jobs behalten',
      done: (n: number) => `Abbruch von ${jobs(n)} angefordert.`,
    },
    forForce: {
      title: (name: string | undefined) => `${name ?? 'Jobs'} sofort abbrechen?`,
      confirm: (what: string | undefined) => `${what ? `${what} s` : 'S'}ofort abbrechen`,
      possible: (n: number, all: number) =>
        `${count(n)} von ${count(all)} ausgewählten Jobs lassen sich abbrechen.`,
      running: 'Jobs werden abgebrochen',
      effect:
        'Der Job endet sofort, ohne auf seinen Agenten zu warten. Spätere Meldungen des Agenten werden abgelehnt.',
      all: (n: number) =>
        `Alle passenden Jobs werden abgebrochen, nicht nur die ersten ${count(n)}.`,
      none: 'Der Job läuft nicht.',
      back: 'Job behalten',
      done: (n: number) => `${jobs(n)} abgebrochen.`,
    },
    scope: (of): string => {
      const names = of.states.map(([state, n]) => `${adjectives[state]} (${n})`);
      const parts = [
        of.configurations.length > 0 && `von ${listOr(of.configurations)}`,
        of.providers.length > 0 && `des Anbieters ${listOr(of.providers)}`,
        of.agents.length > 0 && `ausgeführt von ${listOr(of.agents)}`,
        of.priority !== undefined && `mit Priorität ${priority(of.priority)}`,
        of.search && `passend zu „${of.search}“`,
        of.message && `mit „${of.message}“ in der Meldung`,
        of.failureGroup && `mit dem Fehler „${of.failureGroup}“`,
        of.processing && `mit ${lossOf[of.processing]}`,
        of.range && `${happened[of.time]} ${within[of.range]}`,
        of.from && `${happened[of.time]} ab ${of.from}`,
        of.to && `${happened[of.time]} vor ${of.to}`,
        of.minDuration && `mit einer Dauer von mindestens ${of.minDuration}`,
        of.maxDuration && `mit einer Dauer von höchstens ${of.maxDuration}`,
      ].filter(Boolean);
      return [`alle ${listAnd(names)} Jobs`, parts.join(', ')].filter(Boolean).join(' ');
    },
  },

  queue: {
    title: 'Job einreihen',
    configuration: 'Konfiguration',
    choose: 'Konfiguration wählen',
    noConfigurations: 'Es gibt keine Konfigurationen.',
    name: 'Name (optional)',
    type: 'Art (optional)',
    priority: 'Priorität',
    due: 'Ausführen am',
    dueHint: 'Ohne Datum läuft er, sobald ein Agent frei ist.',
    back: 'Zurück',
    confirm: 'Job einreihen',
    done: 'Job eingereiht.',
  },

  export: {
    button: 'CSV',
    title: 'Alle passenden Jobs als CSV exportieren',
    label: 'Als CSV exportieren',
    stop: 'Export abbrechen',
    progress: (n: number) => `${jobs(n)}… abbrechen`,
    saved: (n: number) => `${jobs(n)} als CSV exportiert.`,
    empty: (n: number) =>
      `${plural(n, { one: 'Wert konnte', other: 'Werte konnten' })} nicht gelesen werden und ${pluralForm(
        n,
        { one: 'bleibt', other: 'bleiben' },
      )} leer.`,
    cancelled: 'Export abgebrochen.',
    failed: (reason: string) => `Export fehlgeschlagen: ${reason}`,
  },

  copy: {
    copy: (what: string) => `${what} kopieren`,
    copied: (what: string) => `${what} kopiert.`,
    blocked: (text: string) => `Der Browser hat das Kopieren blockiert. ${text}`,
    id: 'ID',
    jobId: 'Job-ID',
    runId: 'Lauf-ID',
    agentId: 'Agent-ID',
    configurationId: 'Konfigurations-ID',
    link: 'Link',
    message: 'Meldung',
    json: 'JSON',
  },

  job: {
    notify: 'Bei Ende benachrichtigen',
    willNotify: 'Eine Benachrichtigung folgt, wenn dieser Job endet, solange dieser Tab offen ist.',
    notificationsBlocked: 'Der Browser blockiert Benachrichtigungen dieser Seite.',
    title: 'Job',
    notFound: 'Job nicht gefunden',
    notFoundHint: (id: string) => `Kein Job hat die ID ${id}.`,
    all: 'Alle Jobs',
    otherJobsRun: 'Dieser Lauf gehört zu einem anderen Job',
    openItsJob: 'Dessen Job öffnen',
    waiting: 'Wartet auf einen Agenten',
    waitingHint: 'Diese Seite wird aktualisiert, sobald einer den Job übernimmt.',
    noRun: 'Keine Läufe aufgezeichnet',
    earlierRun: 'Früherer Lauf',
    copyLink: 'Link kopieren',
    agent: 'Agent',
    processing: 'Verarbeitung',
    type: 'Typ',
    priority: 'Priorität',
    id: 'Job',
    run: 'Lauf',
    finished: 'Beendet',
    waits: 'Wartet',
    ended: 'Ende',
    neverRan: 'Vor dem Start abgebrochen',
    notReporting: 'Keine Meldungen',
    showLines: (lines: string) => `Alle ${lines} Zeilen anzeigen`,
    showMessage: 'Ganze Meldung anzeigen',
    showLess: 'Weniger anzeigen',
    notLive: 'Nicht live',
    updated: (ago: ReactNode): ReactNode => <>aktualisiert {ago}</>,
    json: 'JSON-Rohdaten',
    copy: 'Kopieren',
  },

  banner: {
    earlierRun: (link: ReactNode): ReactNode => <>Dies ist ein früherer Lauf. {link}</>,
    currentRun: 'Aktuellen Lauf anzeigen',
    failed: 'Lauf fehlgeschlagen',
    noMessage: 'Es wurde keine Fehlermeldung gemeldet.',
    processingFailed: 'Verarbeitung fehlgeschlagen.',
    longerThanUsual: 'Dieser Lauf dauert länger als üblich.',
    cancelled: (who: string, time: ReactNode): ReactNode => (
      <>
        <b>Abgebrochen</b> von {who}, {time}.
      </>
    ),
    lastRun: (state: string): ReactNode => (
      <>
        <b>Letzter Versuch: {state}.</b> Der Job ist erneut in der Warteschlange.
      </>
    ),
    overdue: (ago: ReactNode, configuration: string | null | undefined): ReactNode => (
      <>
        <b>Fällig {ago}:</b> Kein Agent hat {configuration ?? 'den Job'} übernommen.
      </>
    ),
    cancelling: (ago: ReactNode): ReactNode => (
      <>
        <b>Abbruch angefordert</b>
        {ago && <> {ago}</>}; Bestätigung des Agenten steht aus.
      </>
    ),
    scheduled: (time: ReactNode, relative: ReactNode): ReactNode => (
      <>
        <b>Geplant</b> für {time} ({relative}).
      </>
    ),
    silent: (_time: string, last: string): ReactNode => (
      <>
        <b>Letzte Meldung {last}:</b> Der Agent läuft vielleicht nicht mehr oder erreicht den Server
        nicht.
      </>
    ),
    neverReported: (
      <>
        <b>Keine Meldung</b>, seit der Agent den Job übernommen hat.
      </>
    ),
  },

  timeline: {
    title: 'Zeitachse',
    none: 'Keine Zeitstempel aufgezeichnet.',
    lengths: (queued: string, running: string) => `${queued} gewartet, ${running} gelaufen`,
    lastSubmitted: (time: string) => `Letzte Übermittlung ${time}`,
    now: 'jetzt',
    queued: 'in Warteschlange',
    running: 'läuft',
    expected: (earliest: string, latest: string, likely: string) =>
      `endet voraussichtlich zwischen ${earliest} und ${latest}, am ehesten um ${likely}`,
    likely: (time: string) => `Voraussichtliches Ende ${time}`,
    lastSubmission: (time: string) => `letzte Übermittlung: ${time}`,
    zone: (zone: string) => `in ${zone}`,
  },

  run: {
    agentProgress: 'Fortschritt des Agenten',
    processingProgress: 'Fortschritt der Verarbeitung',
    runTime: 'Laufzeit',
    remaining: 'Verbleibend (ca.)',
    usually: (range: string) => `üblich ${range}`,
    rate: 'Aufgaben/min',
    queueTime: 'Wartezeit',
    tasks: 'Aufgaben',
    clues: 'Clues',
    expected: (n: ReactNode): ReactNode => <>von {n} erwarteten</>,
    lastSubmission: 'Letzte Übermittlung',
    message: 'Ergebnismeldung',
    state: 'Status',
    ofReceived: (done: string, received: string) => `${done} von ${received} empfangenen`,
    payloads: 'Payloads',
    logLines: 'Logzeilen',
    notReported: 'Nicht gemeldet',
    retries: (n: ReactNode): ReactNode => <>{n} Wiederholungen</>,
    processingTasks: 'Aufgaben der Verarbeitung',
    unchanged: 'Unverändert',
    unchangedTasks: 'Unveränderte Aufgaben',
    lastUpdate: 'Zuletzt aktualisiert',
    parts: {
      completed: 'abgeschlossen',
      failed: 'fehlgeschlagen',
      queued: 'in Warteschlange',
      submitted: 'übermittelt',
      skipped: 'übersprungen',
      exists: 'bereits vorhanden',
      upToDate: 'aktuell',
      ignored: 'ignoriert',
      unaccounted: 'nicht zugeordnet',
    },
    excess: (n: number) => `Die Teile übersteigen die gemeldete Summe um ${count(n)}.`,
  },

  reconciliation: {
    clues: (submitted: ReactNode, received: ReactNode, verdict: string): ReactNode => (
      <>
        {submitted} Clues vom Agenten übermittelt, {received} von der Verarbeitung empfangen:{' '}
        {verdict}.
      </>
    ),
    unreadable: 'nicht vergleichbar',
    notReported: 'nicht vergleichbar: eine Seite meldet keine Anzahl',
    complete: 'alle empfangen',
    counting: 'die Zahlen ändern sich noch',
    inTransit: (n: number) => `${plural(n, clue)} unterwegs`,
    missing: (n: number) => `${plural(n, { one: 'Clue fehlt', other: 'Clues fehlen' })}`,
    excess: (n: number) => `${count(n)} mehr als vom Agenten gemeldet`,
  },

  rate: {
    title: 'Durchsatz',
    tasks: 'Aufgaben/min',
    clues: 'Clues/min',
    sinceOpened: 'Seit dem Öffnen der Seite',
    last: (time: string) => `Zeitraum: ${time}`,
    average: (rate: string) => `${rate} im Durchschnitt`,
    now: (name: string, rate: string) => `${name}: derzeit ${rate}`,
    unknown: (name: string) => `${name}: noch keine Daten`,
    wait: 'Warten auf die nächsten Meldungen…',
  },

  history: {
    title: 'Verlauf',
    derived: 'Aus den Zeitstempeln des Laufs abgeleitet',
    by: (who: string) => ({ agent: 'Agent', operator: 'Operator', service: 'System' })[who] ?? who,
  },

  runs: {
    title: 'Läufe',
    order: 'Neueste zuerst',
    none: 'Noch keine Läufe.',
    earlier: (n: number) =>
      plural(n, { one: 'früheren Lauf anzeigen', other: 'frühere Läufe anzeigen' }),
    latest: (n: number) => `Die neuesten ${count(n)} Läufe. Frühere sind nicht aufgeführt.`,
    number: (n: number) => `Lauf ${count(n)}`,
    alike: 'Alle Jobs mit diesem Namen',
  },

  fields: {
    title: 'Alle Felder',
    note: 'Rohwerte der API · UTC · Dauern in ms',
    groups: {
      run: 'Lauf',
      agentResult: 'Agent: Ergebnis und Status',
      agentTimes: 'Agent: Zeiten',
      agentCounts: 'Agent: Aufgaben und Clues',
      processingTimes: 'Verarbeitung: Status und Zeiten',
      processingCounts: 'Verarbeitung: Aufgaben',
    },
  },

  executing: {
    button: 'laufend',
    title: 'Laufende Jobs',
    heading: (n: number) => plural(n, { one: 'laufender Job', other: 'laufende Jobs' }),
    none: 'Keine laufenden Jobs',
    noneHint: 'Laufende Jobs erscheinen hier.',
    loading: 'Warten auf den Server.',
    order: 'Reihenfolge',
    orders: { longest: 'Längste Laufzeit', newest: 'Neueste', soonest: 'Bald fertig' },
    list: 'Liste',
    viewAll: 'Alle laufenden Jobs anzeigen',
    rate: (rate: string) => `${rate} Aufgaben/min`,
    noEstimate: 'keine Schätzung',
  },

  overview: {
    title: 'Übersicht',
    statistics: 'Statistik',
    filter: 'Statistik filtern',
    time: 'Zeit',
    lengths: { day: '24 Std.', week: '7 Tage', month: '30 Tage', year: '1 Jahr' },
    asTable: 'Als Tabelle',
    table: 'Statistik als Tabelle',
    none: 'In dieser Zeit wurde nichts beendet',
    finished: 'Beendete Läufe',
    outcomes: { completed: 'Abgeschlossen', failed: 'Fehlgeschlagen', cancelled: 'Abgebrochen' },
    failureRate: 'Fehlerquote',
    wait: 'Wartezeit',
    duration: 'Laufzeit',
    p50: 'Median',
    p95: '95. Perzentil',
    ofWait: (figure: string) => `Wartezeit, ${figure}`,
    ofDuration: (figure: string) => `Laufzeit, ${figure}`,
    weekFrom: (day: string) => `Woche ab ${day}`,
    nothing: 'keine',
    said: (time: string, values: readonly string[]) => `${time}. ${values.join(', ')}`,
    keys: 'Mit den Pfeiltasten die Werte lesen, mit Enter die Jobs auflisten.',
    utc: 'Tage und Wochen sind in UTC.',
    today: 'Heute',
    tooFewDays: 'Es gibt noch zu wenig Verlauf, um zu sagen, ob heute alles normal ist.',
    normal: (isYesterday: boolean) =>
      isYesterday ? 'Gestern war alles normal' : 'Heute ist alles normal',
    unusual: (isYesterday: boolean, differences: readonly string[]) =>
      `${isYesterday ? 'Gestern' : 'Heute'}: ${listAnd(differences)}`,
    differences: {
      finished: { more: 'mehr Läufe als üblich', less: 'weniger Läufe als üblich' },
      failureRate: { more: 'mehr Fehler als üblich', less: 'weniger Fehler als üblich' },
      wait: { more: 'längere Wartezeit als üblich', less: 'kürzere Wartezeit als üblich' },
      duration: { more: 'längere Laufzeit als üblich', less: 'kürzere Laufzeit als üblich' },
    },
    figures: {
      finished: 'Beendete Läufe',
      failureRate: 'Fehlerquote',
      wait: 'Wartezeit',
      duration: 'Laufzeit',
    },
    usually: (value: string) => `üblich ${value}`,
    weekdays: (weekday: string, n: number) =>
      n === 1 ? `dem letzten ${weekday}` : `den letzten ${count(n)} ${weekday}en`,
    lastDays: (n: number) => (n === 1 ? 'dem letzten Tag' : `den letzten ${count(n)} Tagen`),
    comparedUntil: (time: string, basis: string) =>
      `Bis ${time}, verglichen mit dem Median von ${basis} bis dahin`,
    comparedYesterday: (basis: string) => `Verglichen mit dem Median von ${basis} davor`,
    group: 'Gruppieren nach',
    by: { configuration: 'Nach Quelle', provider: 'Nach Anbieter', agent: 'Nach Agent' },
    groupings: { configuration: 'Quelle', provider: 'Anbieter', agent: 'Agent' },
    noAgent: 'Kein Agent',
    before: 'Zuvor',
    rise: (points: string) => `▲ ${points}`,
    riseHint: 'Die Fehlerquote ist stärker gestiegen, als es durch Zufall zu erklären ist.',
    fewer: 'Weniger anzeigen',
    all: (n: number) => `Alle ${count(n)} anzeigen`,
  },

  failures: {
    title: 'Fehler',
    count: (n: number) => plural(n, { one: 'Ursache', other: 'Ursachen' }),
    filter: 'Fehler filtern',
    search: 'Fehler suchen',
    noMatch: 'Keine passenden Fehler',
    none: 'Keine Fehler',
    noneHint: 'Fehlgeschlagene Jobs erscheinen hier nach ihrer Ursache.',
    noneOpenHint: 'Alle sind zur Kenntnis genommen.',
    cause: 'Ursache',
    trend: 'Letzte 30 Tage',
    trendOf: (all: string, today: string, peak: string | undefined, most: string) =>
      `${all} fehlgeschlagene Läufe in 30 Tagen, ${today} heute${
        peak ? `, die meisten am ${peak}: ${most}` : ''
      }`,
    jobs: 'Jobs',
    jobsOf: (n: string, title: string) => `${n} fehlgeschlagene Jobs: ${title}`,
    lastSeen: 'Zuletzt',
    firstSeen: 'Zuerst',
    sources: 'Konfigurationen',
    moreSources: (n: number) => `und ${count(n)} weitere`,
    acknowledge: 'Zur Kenntnis nehmen',
    acknowledged: 'Zur Kenntnis genommene Fehler',
    acknowledgedCount: (n: number) => `Zur Kenntnis genommen (${count(n)})`,
    acknowledgedBy: (who: string, ago: ReactNode): ReactNode => (
      <>
        Zur Kenntnis genommen von {who} {ago}
      </>
    ),
    acknowledgeTitle: 'Fehler zur Kenntnis nehmen?',
    acknowledgeEffect:
      'Er wird zu den zur Kenntnis genommenen Fehlern verschoben. Tritt er erneut auf, ist er wieder offen.',
    acknowledgedNow: 'Fehler zur Kenntnis genommen.',
    note: 'Notiz (optional)',
    back: 'Zurück',
    reopen: 'Rückgängig',
    reopened: 'Fehler wieder geöffnet.',
    more: 'Mehr anzeigen',
    only: 'Kein anderer Job hat diesen Fehler.',
    acknowledgedShort: (who: string) => `Zur Kenntnis genommen von ${who}`,
    same: (n: number, since: ReactNode): ReactNode => (
      <>
        Derselbe Fehler in {jobs(n)}
        {since && <> seit {since}</>}
      </>
    ),
  },

  configurations: {
    title: 'Konfigurationen',
    count: (n: number) => plural(n, { one: 'Konfiguration', other: 'Konfigurationen' }),
    search: 'Konfigurationen suchen',
    noMatch: 'Keine passenden Konfigurationen',
    none: 'Noch keine Konfigurationen',
    noneHint: (mutation: ReactNode): ReactNode => (
      <>Entstehen durch einen Import oder durch {mutation}.</>
    ),
    name: 'Name',
    jobs: 'Jobs',
    all: 'Alle',
    lastActivity: 'Letzte Aktivität',
    unknownProvider: 'Unbekannter Anbieter',
  },

  configuration: {
    title: 'Konfiguration',
    notFound: 'Konfiguration nicht gefunden',
    all: 'Alle Konfigurationen',
    provider: 'Anbieter',
    created: 'Erstellt',
    updated: 'Aktualisiert',
    id: 'ID',
  },

  agents: {
    title: 'Agenten',
    count: (n: number) => plural(n, { one: 'Agent', other: 'Agenten' }),
    none: 'Noch keine Agenten',
    noneHint: 'Agenten erscheinen nach ihrer Registrierung oder mit importierten Läufen.',
    name: 'Name',
    executing: 'Laufend',
    lastRuns: 'Letzte 20 Läufe, neueste zuerst',
    completed: 'Abgeschlossen (letzte 20 Läufe)',
    failed: 'Fehlgeschlagen (letzte 20 Läufe)',
    lastSeen: 'Zuletzt gesehen',
    lastSeenHint:
      'Wann der Dienst zuletzt eine Meldung oder Anfrage nach Arbeit vom Agenten erhielt.',
    silent: 'Still',
    silentHint: 'Seit mehr als 3 Minuten nichts vom Agenten empfangen.',
    silentCount: (n: number) => `${count(n)} still`,
    search: 'Agenten suchen',
    noMatch: 'Keine passenden Agenten',
    run: (state: string) => `Lauf: ${state}`,
    runOf: (state: string, job: string) => `${state}: ${job}`,
  },

  agent: {
    title: 'Agent',
    notFound: 'Agent nicht gefunden',
    all: 'Alle Agenten',
    lastSeen: 'Zuletzt gesehen',
    firstSeen: 'Zuerst gesehen',
    updated: 'Aktualisiert',
    id: 'ID',
  },

  errors: {
    offline: 'Server nicht erreichbar',
    forbidden: 'Kein Zugriff',
    refused: 'Anfrage fehlgeschlagen',
    server: 'Auf dem Server ist etwas schiefgegangen',
    defect: 'Etwas ist schiefgegangen',
    retrying: 'Neuer Versuch läuft…',
    signedOut: 'Die Sitzung ist beendet',
    signedOutHint: 'Zum Fortfahren anmelden.',
    signIn: 'Anmelden',
    notSignedIn: 'Nicht angemeldet.',
    noResponse: 'Der Server antwortet nicht.',
    noData: 'Der Server hat ohne Daten geantwortet.',
    status: (status: number) => `Der Server hat mit Status ${status} geantwortet.`,
    notGraphQL: (status: number) => `Die Antwort ist kein GraphQL (Status ${status}).`,
    value: (reason: string) => `Dieser Wert kann nicht angezeigt werden: ${reason}`,
    missing: (n: number, all: number) =>
      `${count(n)} von ${count(all)} können nicht angezeigt werden`,
  },
};
