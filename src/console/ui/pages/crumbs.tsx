/** Where one is: the bucket and the folders down to this one, each a link. */
import type { JSX } from 'preact';
import { linkTo } from '../router.js';

export function Crumbs({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }): JSX.Element {
  const names = prefix.split('/').slice(0, -1);
  const steps = [
    { name: bucket, prefix: '' },
    ...names.map((name, at) => ({
      name: name === '' ? '(no name)' : name,
      prefix: `${names.slice(0, at + 1).join('/')}/`,
    })),
  ];
  return (
    <nav aria-label="Folders" class="crumbs">
      <ol>
        <li>
          <a href={linkTo({ page: 'buckets' })}>Buckets</a>
        </li>
        {steps.map((step, at) => (
          <li key={step.prefix}>
            {at === steps.length - 1 ? (
              <h1 aria-current="location">{step.name}</h1>
            ) : (
              <a href={linkTo({ page: 'browse', bucket, prefix: step.prefix, object: null })}>{step.name}</a>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
