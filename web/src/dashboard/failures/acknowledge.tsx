import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { RequestError, request } from '../data/client';
import { acknowledgeFailureGroup, reopenFailureGroup } from '../data/failure-documents';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';

/** The longest note that the dialog takes. */
const NOTE_LENGTH = 1_000;

const messageOf = (error: unknown) =>
  error instanceof RequestError ? error.message : t.actions.failed;

/** Acknowledges a group, or takes that back; why it could not, if it could not. */
export function useAcknowledgement() {
  const client = useQueryClient();
  const after = async (refused: { message: string } | null) => {
    await client.invalidateQueries({ queryKey: ['failure-groups'] });
    return refused?.message;
  };
  return {
    acknowledge: async (id: string, note: string): Promise<string | undefined> => {
      try {
        const input = { id, note: note.trim() || null };
        const answer = await request(acknowledgeFailureGroup, { input });
        return await after(answer.acknowledgeFailureGroup.refusal);
      } catch (error) {
        return messageOf(error);
      }
    },
    reopen: async (id: string): Promise<void> => {
      try {
        const answer = await request(reopenFailureGroup, { input: { id } });
        const refused = await after(answer.reopenFailureGroup.refusal);
        say(refused ?? t.failures.reopened, refused !== undefined);
      } catch (error) {
        say(messageOf(error), true);
      }
    },
  };
}

/** Asks for a note, and acknowledges the group. */
export function AcknowledgeDialog({
  group,
  close,
}: {
  group: { id: string; title: string };
  close(): void;
}) {
  const { acknowledge } = useAcknowledgement();
  const [note, setNote] = useState('');
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<string>();
  const hintId = useId();
  const send = async () => {
    if (isSending) return;
    setSending(true);
    const refused = await acknowledge(group.id, note);
    if (refused === undefined) {
      say(t.failures.acknowledgedNow);
      close();
    } else {
      setFailure(refused);
      setSending(false);
    }
  };
  return (
    <Dialog title={t.failures.acknowledgeTitle} onClose={close}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div className="dialog-content">
          <p className="mono cause-named">{group.title}</p>
          <label className="field">
            <span>{t.failures.note}</span>
            <input
              className="input"
              data-initial-focus
              value={note}
              maxLength={NOTE_LENGTH}
              aria-describedby={hintId}
              onChange={(event) => setNote(event.target.value)}
            />
          </label>
          <p className="muted" id={hintId}>
            {t.failures.acknowledgeEffect}
          </p>
          {failure && (
            <p className="problem" role="alert">
              <icons.warning /> {failure}
            </p>
          )}
        </div>
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={close}>
            {t.failures.back}
          </button>
          <button type="submit" className="button is-primary" aria-disabled={isSending}>
            {t.failures.acknowledge}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
