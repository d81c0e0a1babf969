/** The page: whoever has logged in before in this tab is logged in again, others are asked for their keys. */
import { render } from 'preact';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { AppContext } from './context.js';
import type { App } from './context.js';
import { LoginPage } from './pages/login.js';
import { Loading } from './parts/basics.js';
import { closeSession, openSession, storedKeys } from './session.js';
import type { Session } from './session.js';
import { Shell } from './shell.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';
import './styles/pages.css';
import { UploadQueue } from './uploads/queue.js';

const NOTICE_MS = 5_000;

function Root(): JSX.Element {
  const [session, setSession] = useState<Session | null>(null);
  const [resuming, setResuming] = useState(() => storedKeys() !== null);
  const [failure, setFailure] = useState<unknown>(null);
  const [notice, setNotice] = useState('');
  const notices = useRef<HTMLDivElement>(null);
  const current = useRef(session);
  current.current = session;
  const queue = useMemo(() => new UploadQueue(() => current.current?.client ?? null), []);

  useEffect(() => {
    const keys = storedKeys();
    if (keys === null) return;
    openSession(keys)
      .then(setSession, setFailure)
      .finally(() => setResuming(false));
  }, []);

  useEffect(() => {
    const place = notices.current;
    // Shown anew, it lies above dialogs that were opened meanwhile.
    if (place?.matches(':popover-open') === true) place.hidePopover();
    if (notice === '') return;
    place?.showPopover();
    const timer = setTimeout(() => setNotice(''), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  // Leaving the page would end what is under way.
  useEffect(() => {
    const asked = (event: BeforeUnloadEvent): void => {
      if (queue.totals().active > 0) event.preventDefault();
    };
    addEventListener('beforeunload', asked);
    return () => removeEventListener('beforeunload', asked);
  }, [queue]);

  const app = useMemo<App | null>(
    () =>
      session === null
        ? null
        : {
            ...session,
            queue,
            notify: setNotice,
            logOut: () => {
              queue.cancelAll();
              closeSession();
              location.hash = '';
              setSession(null);
            },
          },
    [session, queue],
  );

  if (resuming) return <Loading what="your session" />;
  return (
    <>
      {app === null ? (
        <LoginPage failure={failure} onSession={setSession} />
      ) : (
        <AppContext.Provider value={app}>
          <Shell />
        </AppContext.Provider>
      )}
      <div ref={notices} class="notices" role="status" aria-live="polite" popover="manual">
        {notice === '' ? null : <p class="notice">{notice}</p>}
      </div>
    </>
  );
}

const place = document.getElementById('app');
if (place !== null) render(<Root />, place);
