import { useQueryClient } from '@tanstack/react-query';
import { useId, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { RequestError, request } from '../data/client';
import { useConfigurationNames } from '../data/hooks';
import { queueJobs } from '../data/queue-documents';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import { priorities } from './filter';
import { MomentField } from './filters/moment-field';

/** As long as the API takes them. */
const LENGTH = 200;
const NORMAL = 2;

/** Queues a job: a new one, or one like another. */
export function QueueDialog({
  like,
  close,
}: {
  /** What the fields have at first. */
  like: {
    configurationId?: string | undefined;
    name?: string | null;
    type?: string | null;
    priority?: number;
  };
  close(): void;
}) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const configurations = useConfigurationNames();
  const [configurationId, setConfiguration] = useState(like.configurationId ?? '');
  const [name, setName] = useState(like.name ?? '');
  const [type, setType] = useState(like.type ?? '');
  const [priority, setPriority] = useState(like.priority ?? NORMAL);
  const [due, setDue] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);
  // A request that is sent twice, since its answer was lost, makes one job.
  const requestId = useRef(crypto.randomUUID());
  const hintId = useId();
  const isReady = configurationId !== '' && !isSending;
  const values = priorities.some((each) => each === priority)
    ? priorities
    : [priority, ...priorities];

  const send = async () => {
    if (!isReady) return;
    setSending(true);
    setFailure(undefined);
    try {
      const job = {
        configurationId,
        name: name.trim() || null,
        type: type.trim() || null,
        priority,
        scheduledDate: due ?? null,
        clientRequestId: requestId.current,
      };
      const [result] = (await request(queueJobs, { input: [job] })).queueJobs.results;
      if (result?.jobId && !result.refusal) {
        void client.invalidateQueries();
        say(t.queue.done);
        close();
        navigate(`/jobs/${result.jobId}`);
        return;
      }
      setFailure(result?.refusal?.message ?? t.actions.failed);
    } catch (error) {
      setFailure(error instanceof RequestError ? error.message : t.actions.failed);
    }
    setSending(false);
  };
  const options = configurations.data ?? [];
  return (
    <Dialog title={t.queue.title} onClose={close}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div className="dialog-content">
          <label className="field">
            <span>{t.queue.configuration}</span>
            <select
              className="input"
              data-initial-focus
              required
              value={configurationId}
              onChange={(event) => setConfiguration(event.target.value)}
            >
              <option value="" disabled>
                {configurations.isSuccess && options.length === 0
                  ? t.queue.noConfigurations
                  : t.queue.choose}
              </option>
              {options.map(({ id, name: label, hint }) => (
                <option key={id} value={id}>
                  {hint ? `${label} · ${hint}` : label}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>{t.queue.name}</span>
            <input
              className="input"
              value={name}
              maxLength={LENGTH}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <div className="field-row">
            <label className="field">
              <span>{t.queue.type}</span>
              <input
                className="input"
                value={type}
                maxLength={LENGTH}
                onChange={(event) => setType(event.target.value)}
              />
            </label>
            <label className="field">
              <span>{t.queue.priority}</span>
              <select
                className="input"
                value={priority}
                onChange={(event) => setPriority(Number(event.target.value))}
              >
                {values.map((each) => (
                  <option key={each} value={each}>
                    {t.priority(each)}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <MomentField label={t.queue.due} value={due} change={setDue} />
          <p className="muted" id={hintId}>
            {t.queue.dueHint}
          </p>
          {failure && (
            <p className="problem" role="alert">
              <icons.warning /> {failure}
            </p>
          )}
        </div>
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={close}>
            {t.queue.back}
          </button>
          <button type="submit" className="button is-primary" aria-disabled={!isReady}>
            {t.queue.confirm}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
