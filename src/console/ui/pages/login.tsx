/** Asks for keys, and says what is wrong with them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../context.js';
import { Button, Problem } from '../parts/basics.js';
import { TextField } from '../parts/fields.js';
import { Logo } from '../parts/icons.js';
import { openSession } from '../session.js';
import type { Session } from '../session.js';

export function LoginPage(props: {
  readonly failure: unknown;
  readonly onSession: (session: Session) => void;
}): JSX.Element {
  const [accessKey, setAccessKey] = useState('');
  const [secretKey, setSecretKey] = useState('');
  const [sessionToken, setSessionToken] = useState('');
  const [temporary, setTemporary] = useState(false);
  const doing = useAction();
  const logIn = (): Promise<boolean> =>
    doing.run(async () => {
      const token = temporary ? sessionToken.trim() : '';
      const keys = { accessKey: accessKey.trim(), secretKey: secretKey.trim() };
      props.onSession(await openSession({ ...keys, sessionToken: token === '' ? null : token }));
    });
  return (
    <main class="login">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void logIn();
        }}
      >
        <div class="brand">
          <Logo size={44} />
          <div>
            <h1>Pithos</h1>
            <p class="faint">Object storage</p>
          </div>
        </div>
        <TextField
          label="Access key"
          value={accessKey}
          onChange={setAccessKey}
          autoComplete="username"
          required
          autoFocus
          mono
        />
        <TextField
          label="Secret key"
          type="password"
          value={secretKey}
          onChange={setSecretKey}
          autoComplete="current-password"
          required
          mono
        />
        {temporary ? (
          <TextField label="Session token" value={sessionToken} onChange={setSessionToken} required mono />
        ) : null}
        <Problem error={doing.error ?? props.failure} />
        <Button kind="primary" type="submit" busy={doing.busy}>
          Log in
        </Button>
        <button type="button" class="link" aria-expanded={temporary} onClick={() => setTemporary(!temporary)}>
          {temporary ? 'I have no session token' : 'I have temporary keys with a session token'}
        </button>
        <p class="faint small">The keys stay in this tab. The secret key is never sent: it signs requests.</p>
      </form>
    </main>
  );
}
