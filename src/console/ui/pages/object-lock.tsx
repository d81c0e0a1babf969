/** What protects a version from deletion: retention and legal hold. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { putLegalHold, putRetention } from '../api/objects.js';
import type { ObjectId, ObjectInfo } from '../api/objects.js';
import { useAction, useApp } from '../context.js';
import { formatDate } from '../lib/format.js';
import { Button, Problem } from '../parts/basics.js';
import { SelectField, TextField, Toggle } from '../parts/fields.js';

const MODES = [
  ['GOVERNANCE', 'Governance: whoever has the permission may end it'],
  ['COMPLIANCE', 'Compliance: nobody can end it before its time'],
] as const;

export function ObjectLockTab(props: {
  readonly id: ObjectId;
  readonly info: ObjectInfo;
  readonly onChange: () => void;
}): JSX.Element {
  const { id, info, onChange } = props;
  const { client, notify } = useApp();
  const [mode, setMode] = useState(info.lock.mode === '' ? 'GOVERNANCE' : info.lock.mode);
  const [until, setUntil] = useState(info.lock.until.slice(0, 10));
  const [hold, setHold] = useState(info.lock.legalHold);
  const doing = useAction();
  const change = async (work: () => Promise<void>, said: string): Promise<boolean> => {
    if (!(await doing.run(work))) return false;
    notify(said);
    onChange();
    return true;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void change(() => putRetention(client, id, mode, `${until}T00:00:00Z`), 'The retention is saved');
      }}
    >
      <p>
        {info.lock.mode === ''
          ? 'No retention protects this version.'
          : `Protected until ${formatDate(info.lock.until)} (${info.lock.mode.toLowerCase()}).`}
      </p>
      <Toggle
        label="Legal hold"
        checked={hold}
        hint="Protects this version until it is switched off."
        onChange={(on) => {
          setHold(on);
          const said = on ? 'Legal hold is on' : 'Legal hold is off';
          void change(() => putLegalHold(client, id, on), said).then((done) => {
            if (!done) setHold(!on);
          });
        }}
      />
      <SelectField label="Retention" value={mode} onChange={setMode} options={MODES} />
      <TextField label="Until" type="date" value={until} onChange={setUntil} required />
      <Problem error={doing.error} />
      <footer>
        <Button kind="primary" type="submit" busy={doing.busy}>
          Save retention
        </Button>
      </footer>
    </form>
  );
}
