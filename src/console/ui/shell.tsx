/** What surrounds every page: navigation, who is logged in, and the uploads under way. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from './context.js';
import { BrowsePage } from './pages/browse.js';
import { BucketsPage } from './pages/buckets.js';
import { SettingsPage } from './pages/settings.js';
import { StatusPage } from './pages/status.js';
import { UserPage } from './pages/user.js';
import { UsersPage } from './pages/users.js';
import { Button } from './parts/basics.js';
import { Icon, Logo } from './parts/icons.js';
import type { IconName } from './parts/icons.js';
import { linkTo, useRoute } from './router.js';
import type { Route } from './router.js';
import { UploadPanel } from './uploads/panel.js';

export function Shell(): JSX.Element {
  const { caller, server, logOut } = useApp();
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const title = titleOf(route);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} – Pithos`;
    // Whoever follows a link by keyboard or screen reader goes on at the new page's beginning.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [title]);
  const inBuckets = route.page === 'buckets' || route.page === 'browse' || route.page === 'settings';
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <aside class="side">
        <a class="brand" href={linkTo({ page: 'buckets' })}>
          <Logo size={34} />
          <span>Pithos</span>
        </a>
        <nav aria-label="Main">
          <NavLink to={{ page: 'buckets' }} icon="bucket" text="Buckets" current={inBuckets} />
          <NavLink
            to={{ page: 'users', user: null }}
            icon="users"
            text="Users & keys"
            current={route.page === 'users'}
          />
          <NavLink to={{ page: 'status' }} icon="status" text="Status" current={route.page === 'status'} />
        </nav>
        <div class="who">
          <div class="who-name" title={caller.arn}>
            <strong>{nameOf(caller.arn)}</strong>
            <span class="faint">{caller.account}</span>
            <span class="faint version">{`Pithos ${server.version}`}</span>
          </div>
          <Button icon="logout" label="Log out" kind="ghost" onClick={logOut} />
        </div>
      </aside>
      <main ref={main} tabIndex={-1} id="main">
        <Page route={route} />
      </main>
      <UploadPanel />
    </div>
  );
}

function NavLink(props: {
  readonly to: Route;
  readonly icon: IconName;
  readonly text: string;
  readonly current: boolean;
}): JSX.Element {
  return (
    <a href={linkTo(props.to)} {...(props.current ? { 'aria-current': 'page' as const } : {})}>
      <Icon name={props.icon} size={20} />
      <span>{props.text}</span>
    </a>
  );
}

function Page({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case 'buckets':
      return <BucketsPage />;
    case 'browse':
      return <BrowsePage key={route.bucket} route={route} />;
    case 'settings':
      return <SettingsPage key={route.bucket} bucket={route.bucket} section={route.section} />;
    case 'users':
      return route.user === null ? <UsersPage /> : <UserPage key={route.user} user={route.user} />;
    case 'status':
      return <StatusPage />;
  }
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'buckets':
      return 'Buckets';
    case 'browse':
      return `${route.bucket}/${route.prefix}`;
    case 'settings':
      return `Settings of ${route.bucket}`;
    case 'users':
      return route.user ?? 'Users & keys';
    case 'status':
      return 'Status';
  }
}

/** 'arn:aws:iam::1:user/alice' -> 'alice' */
function nameOf(arn: string): string {
  const last = arn.split(':').at(-1) ?? arn;
  return last === 'root' ? 'Account root' : (last.split('/').at(-1) ?? last);
}
