/** Pages by the address's fragment: the server knows one page, and keys with any characters make links. */
import { useEffect, useState } from 'preact/hooks';

export type Route =
  | { readonly page: 'buckets' }
  | { readonly page: 'browse'; readonly bucket: string; readonly prefix: string; readonly object: string | null }
  | { readonly page: 'settings'; readonly bucket: string; readonly section: string }
  | { readonly page: 'users'; readonly user: string | null }
  | { readonly page: 'status' };

export function linkTo(route: Route): string {
  const encode = encodeURIComponent;
  switch (route.page) {
    case 'buckets':
      return '#/';
    case 'browse': {
      const object = route.object === null ? '' : `?object=${encode(route.object)}`;
      return `#/b/${encode(route.bucket)}/${route.prefix.split('/').map(encode).join('/')}${object}`;
    }
    case 'settings':
      return `#/settings/${encode(route.bucket)}/${encode(route.section)}`;
    case 'users':
      return route.user === null ? '#/users' : `#/users/${encode(route.user)}`;
    case 'status':
      return '#/status';
  }
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [first = '', second = '', ...rest] = path.split('/').map(decode);
  const object = new URLSearchParams(query.replaceAll('+', '%2B')).get('object');
  if (first === 'b' && second !== '') return { page: 'browse', bucket: second, prefix: rest.join('/'), object };
  if (first === 'settings' && second !== '')
    return {
      page: 'settings',
      bucket: second,
      section: rest[0] === undefined || rest[0] === '' ? 'versioning' : rest[0],
    };
  if (first === 'users') return { page: 'users', user: second === '' ? null : second };
  if (first === 'status') return { page: 'status' };
  return { page: 'buckets' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function go(route: Route): void {
  location.hash = linkTo(route);
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return parseRoute(hash);
}
