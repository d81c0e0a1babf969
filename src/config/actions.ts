// What the process can be told to do. A new action is a row here and, if it is a command that ends, a file in src/cli.

/** An option of one action. Options of the same name mean the same kind of thing in all actions that have it. */
export interface ActionOption {
  /** long name, without dashes */
  readonly name: string;
  /** What stands for the value in the help; absent: the option takes none. */
  readonly value?: string;
  /** count: a whole number from 1 on; duration: as in the configuration (30m, 0). Default any text. */
  readonly type?: 'text' | 'count' | 'duration';
  readonly summary: string;
}

export interface ActionRow {
  readonly name: string;
  /** other names of the same */
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly options?: readonly ActionOption[];
  /** What it can be told to do, by a word behind its name; the first one when none is given. */
  readonly verbs?: readonly string[];
  /** Further lines of `help ACTION`. */
  readonly details?: readonly string[];
}

const JSON_OPTION: ActionOption = { name: 'json', summary: 'a report for machines on standard output' };
const EXIT_CODES = 'Exit code: 0 nothing wrong, 1 problems found, 2 wrong command line, 3 could not finish.';

export const ACTIONS = [
  {
    name: 'api-run',
    aliases: ['serve'],
    summary: 'serve S3 until told to stop (what happens when no action is given)',
  },
  {
    name: 'bootstrap',
    aliases: ['install-schema'],
    summary: 'create the keyspaces and tables that Cassandra lacks, waiting for it to start; then exit',
  },
  {
    name: 'buckets',
    aliases: [],
    summary: 'list buckets, or show one',
    verbs: ['list', 'show'],
    options: [
      { name: 'tenant', value: 'TENANT', summary: 'list: of this tenant only' },
      { name: 'bucket', value: 'NAME', summary: 'show: this one' },
      JSON_OPTION,
    ],
    details: [EXIT_CODES],
  },
  {
    name: 'check-config',
    aliases: [],
    summary: 'read the configuration, list its faults and warnings, show what it means',
  },
  {
    name: 'doctor',
    aliases: [],
    summary: 'look at configuration, certificate, store, ring, schema, disks and clocks, and say what is wrong',
    options: [JSON_OPTION],
    details: [EXIT_CODES],
  },
  {
    name: 'fsck',
    aliases: [],
    summary: 'prove that listings, versions and stored data belong together',
    options: [
      {
        name: 'repair',
        summary: 'mend listings, rewrite damaged chunks from good replicas, hand orphans to the sweeper',
      },
      { name: 'data', summary: 'read every chunk and check its CRC32C, not only that it is there' },
      JSON_OPTION,
      { name: 'state', value: 'FILE', summary: 'remember here how far it got; the same command goes on from there' },
      { name: 'bucket', value: 'NAME', summary: 'this bucket only; orphans are not looked for' },
      { name: 'throttle', value: 'N', type: 'count', summary: 'read at most N rows, files and chunks per second' },
      {
        name: 'min-age',
        value: 'TIME',
        type: 'duration',
        summary: 'call unreferenced data orphaned when it is older (default: intent lease and grace together)',
      },
    ],
    details: ['Gateways may be running. docs/maintenance.md tells what each finding means.', EXIT_CODES],
  },
  {
    name: 'gc',
    aliases: [],
    summary: 'show what waits to be removed, by kind and age',
    options: [{ name: 'drain', summary: 'remove all that is due, then exit' }, JSON_OPTION],
    details: [EXIT_CODES],
  },
  {
    name: 'keys',
    aliases: [],
    summary: 'list access keys; make, disable, enable and remove those of IAM',
    verbs: ['list', 'create', 'disable', 'enable', 'remove'],
    options: [
      { name: 'tenant', value: 'TENANT', summary: 'whose; list without it: of all tenants of the configuration' },
      { name: 'user', value: 'NAME', summary: 'of this IAM user, which create makes if need be; default the root' },
      { name: 'key', value: 'ID', summary: 'disable, enable, remove: this access key' },
      JSON_OPTION,
    ],
    details: ['Gateways heed a change within about a second. See docs/iam.md.', EXIT_CODES],
  },
  {
    name: 'migrate',
    aliases: [],
    summary: 'copy what an original Pithos 0.7 has stored, checking every object by its MD5',
    options: [
      { name: 'from', value: 'FILE', summary: "the original's pithos.yaml: its bucketstore and regions are read" },
      { name: 'dry-run', summary: 'read and check everything, write nothing' },
      { name: 'bucket', value: 'NAME', summary: 'this bucket only' },
      { name: 'parallel', value: 'N', type: 'count', summary: 'copy N objects at once (default 8)' },
      { name: 'state', value: 'FILE', summary: 'remember here how far it got; the same command goes on from there' },
      JSON_OPTION,
    ],
    details: [
      'The original must not run meanwhile. It may be run again: what is here already is passed over. See docs/migrate.md.',
      EXIT_CODES,
    ],
  },
  {
    name: 'quota',
    aliases: [],
    summary: 'list, show, set and remove quotas of buckets and tenants',
    verbs: ['list', 'show', 'set', 'remove'],
    options: [
      { name: 'bucket', value: 'NAME', summary: 'the quota of this bucket' },
      { name: 'tenant', value: 'TENANT', summary: 'the quota of all buckets of this tenant together' },
      { name: 'bytes', value: 'SIZE', summary: 'set: at most so many bytes, such as 500g; not given: no limit' },
      { name: 'objects', value: 'N', summary: 'set: at most so many objects; not given: no limit' },
      JSON_OPTION,
    ],
    details: ['What counts, and how long setting one takes, is told in docs/quotas.md.', EXIT_CODES],
  },
  {
    name: 'replicate',
    aliases: [],
    summary: 'have gateways replicate what failed, and what was there before a rule for existing objects',
    options: [{ name: 'bucket', value: 'NAME', summary: 'of this bucket' }, JSON_OPTION],
    details: ['The work is left to running gateways. It may be run again. See docs/replication.md.', EXIT_CODES],
  },
  {
    name: 'usage',
    aliases: [],
    summary: 'count bytes, objects, versions and uploads by bucket and tenant',
    options: [
      { name: 'bucket', value: 'NAME', summary: 'of this bucket only' },
      { name: 'tenant', value: 'TENANT', summary: 'of the buckets of this tenant only' },
      JSON_OPTION,
    ],
    details: [EXIT_CODES],
  },
  { name: 'help', aliases: [], summary: 'show this text; help ACTION tells more of an action' },
  { name: 'version', aliases: [], summary: 'show the version' },
] as const satisfies readonly ActionRow[];

export type ActionName = (typeof ACTIONS)[number]['name'];

export function rowOf(action: ActionName): ActionRow {
  return ACTIONS.find(({ name }) => name === action) ?? ACTIONS[0];
}

export function findAction(name: string): ActionName | null {
  const rows: readonly ActionRow[] = ACTIONS;
  const found = rows.find((row) => row.name === name || row.aliases.includes(name));
  return (found?.name as ActionName | undefined) ?? null;
}

export function actionNames(): readonly string[] {
  return ACTIONS.flatMap(({ name, aliases }) => [name, ...aliases]);
}
