/** A table of things that have a name, a page of their own and a way to delete them. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useApp } from '../context.js';
import { Button } from './basics.js';
import { Confirm } from './dialog.js';
import { Icon } from './icons.js';
import type { IconName } from './icons.js';

export interface NamedRow {
  readonly name: string;
  readonly href: string;
  /** One for each further column; a narrow screen shows none of them. */
  readonly cells: readonly string[];
  /** beside the button that deletes */
  readonly actions?: ComponentChildren;
}

export function NameTable(props: {
  /** what a row is: bucket */
  readonly what: string;
  readonly icon: IconName;
  readonly columns: readonly string[];
  readonly rows: readonly NamedRow[];
  /** in place of rows that are not there */
  readonly none?: string;
  /** what it means to delete one */
  readonly warning: (name: string) => ComponentChildren;
  readonly remove: (name: string) => Promise<void>;
  readonly onRemoved: () => void;
}): JSX.Element {
  const { what, icon, columns, rows, none, warning, remove, onRemoved } = props;
  const { notify } = useApp();
  const [doomed, setDoomed] = useState<string | null>(null);
  return (
    <div class="card table-card">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            {columns.map((column) => (
              <th scope="col" class="optional" key={column}>
                {column}
              </th>
            ))}
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, href, cells, actions }) => (
            <tr key={name}>
              <td>
                <a class="name" href={href}>
                  <Icon name={icon} /> <span>{name}</span>
                </a>
              </td>
              {cells.map((cell, index) => (
                <td class="optional" key={columns[index]}>
                  {cell}
                </td>
              ))}
              <td class="row-actions">
                {actions}
                <Button icon="trash" kind="ghost" label={`Delete ${name}`} onClick={() => setDoomed(name)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && none !== undefined ? <p class="faint pad">{none}</p> : null}
      {doomed === null ? null : (
        <Confirm
          title={`Delete ${what}`}
          action={`Delete ${what}`}
          typed={doomed}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await remove(doomed);
            notify(`${doomed} is deleted`);
            onRemoved();
          }}
        >
          <p>{warning(doomed)}</p>
        </Confirm>
      )}
    </div>
  );
}
