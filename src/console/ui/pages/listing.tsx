/** The table of a folder: folders, objects and, when asked for, keys whose newest version is a delete marker. */
import type { JSX } from 'preact';
import type { ObjectPage } from '../api/buckets.js';
import type { VersionEntry } from '../api/objects.js';
import { baseName, formatBytes, formatDate } from '../lib/format.js';
import { Badge } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { linkTo } from '../router.js';

export function Listing(props: {
  readonly bucket: string;
  readonly prefix: string;
  readonly page: ObjectPage;
  readonly deleted: readonly VersionEntry[];
  /** keys, and prefixes that end with '/' */
  readonly marked: ReadonlySet<string>;
  readonly onMark: (marked: ReadonlySet<string>) => void;
  readonly onOpen: (key: string) => void;
}): JSX.Element {
  const { bucket, prefix, page, deleted, marked, onMark, onOpen } = props;
  const names = [...page.folders, ...page.objects.map(({ key }) => key)];
  const all = names.length > 0 && names.every((name) => marked.has(name));
  const mark = (name: string, on: boolean): void => {
    const next = new Set(marked);
    if (on) next.add(name);
    else next.delete(name);
    onMark(next);
  };
  const box = (name: string): JSX.Element => (
    <input
      type="checkbox"
      aria-label={`Mark ${baseName(name)}`}
      checked={marked.has(name)}
      onChange={(event) => mark(name, event.currentTarget.checked)}
    />
  );
  return (
    <div class="card table-card">
      <table class="listing">
        <thead>
          <tr>
            <th scope="col" class="mark">
              <input
                type="checkbox"
                aria-label="Mark all on this page"
                checked={all}
                onChange={(event) => onMark(new Set(event.currentTarget.checked ? names : []))}
              />
            </th>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" class="optional">
              Changed
            </th>
            <th scope="col" class="optional">
              Class
            </th>
          </tr>
        </thead>
        <tbody>
          {page.folders.map((folder) => (
            <tr key={folder}>
              <td class="mark">{box(folder)}</td>
              <td>
                <a class="name" href={linkTo({ page: 'browse', bucket, prefix: folder, object: null })}>
                  <Icon name="folder" /> <span>{baseName(folder)}</span>
                </a>
              </td>
              <td class="number faint">–</td>
              <td class="optional faint">–</td>
              <td class="optional faint">–</td>
            </tr>
          ))}
          {page.objects.map(({ key, sizeBytes, modified, storageClass }) => (
            <tr key={key}>
              <td class="mark">{box(key)}</td>
              <td>
                <a
                  class="name"
                  href={linkTo({ page: 'browse', bucket, prefix, object: key })}
                  onClick={(event) => {
                    event.preventDefault();
                    onOpen(key);
                  }}
                >
                  <Icon name="file" /> <span>{key === prefix ? '(this folder)' : baseName(key)}</span>
                </a>
              </td>
              <td class="number">{formatBytes(sizeBytes)}</td>
              <td class="optional">{formatDate(modified)}</td>
              <td class="optional">{storageClass === '' ? 'STANDARD' : storageClass}</td>
            </tr>
          ))}
          {deleted.map(({ key, modified }) => (
            <tr key={`deleted ${key}`} class="deleted">
              <td class="mark" />
              <td>
                <a
                  class="name"
                  href={linkTo({ page: 'browse', bucket, prefix, object: key })}
                  onClick={(event) => {
                    event.preventDefault();
                    onOpen(key);
                  }}
                >
                  <Icon name="history" /> <span>{baseName(key)}</span> <Badge kind="warn">deleted</Badge>
                </a>
              </td>
              <td class="number faint">–</td>
              <td class="optional">{formatDate(modified)}</td>
              <td class="optional faint">–</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
