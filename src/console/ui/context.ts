/** What every page may use, and the two ways in which pages talk to the server: loading something, and doing something. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { Client } from './api/client.js';
import { isAbort } from './lib/errors.js';
import type { Session } from './session.js';
import type { UploadQueue } from './uploads/queue.js';

export interface App extends Session {
  readonly queue: UploadQueue;
  /** Says briefly that something is done; also to screen readers. */
  readonly notify: (text: string) => void;
  readonly logOut: () => void;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error('nobody is logged in');
  return app;
}

export interface Loaded<T> {
  /** The last answer, while the next one is awaited too; null before the first. */
  readonly data: T | null;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Loads when `key` changes and when asked to; answers that come too late are dropped. */
export function useLoad<T>(key: string, load: (client: Client, signal: AbortSignal) => Promise<T>): Loaded<T> {
  const { client } = useApp();
  const [state, setState] = useState<{ key: string; data: T | null; error: unknown; loading: boolean }>({
    key,
    data: null,
    error: null,
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  const loader = useRef(load);
  loader.current = load;
  useEffect(() => {
    const aborter = new AbortController();
    setState((old) => ({ key, data: old.key === key ? old.data : null, error: null, loading: true }));
    loader.current(client, aborter.signal).then(
      (data) => {
        if (!aborter.signal.aborted) setState({ key, data, error: null, loading: false });
      },
      (error: unknown) => {
        if (!aborter.signal.aborted && !isAbort(error)) setState({ key, data: null, error, loading: false });
      },
    );
    return () => aborter.abort();
  }, [key, turn, client]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  const current = state.key === key ? state : { data: null, error: null, loading: true };
  return { data: current.data, error: current.error, loading: current.loading, reload };
}

export interface Action {
  readonly busy: boolean;
  readonly error: unknown;
  /** Resolves with whether it went well. */
  readonly run: (work: () => Promise<void>) => Promise<boolean>;
  readonly clear: () => void;
}

/** Something that the user does: once at a time, and its failure is shown where it was done. */
export function useAction(): Action {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const run = useCallback(async (work: () => Promise<void>): Promise<boolean> => {
    setState({ busy: true, error: null });
    try {
      await work();
      setState({ busy: false, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    }
  }, []);
  const clear = useCallback(() => setState({ busy: false, error: null }), []);
  return { ...state, run, clear };
}
