/** Walks through a bucket's versions page by page and finds what its rules are due for: memory stays bounded by a page. */
import type { Clock, LifecycleConfiguration } from '../s3/lifecycle.js';
import type { BucketRef, MetadataStore, VersionEntry } from '../store/types.js';
import type { Standing, Step } from './lifecycle-decisions.js';
import { stepFor, subjectOfEntry } from './lifecycle-decisions.js';

export interface Task {
  readonly entry: VersionEntry;
  readonly step: Step;
}

/** What a page of the listing leads to. */
export interface WalkPage {
  /** Those of one key stand together. */
  readonly tasks: readonly Task[];
  /** The last key of which all versions have been seen: a later walk may begin after it. */
  readonly doneKey: string;
  readonly listed: number;
}

export interface WalkOptions {
  readonly metadata: Pick<MetadataStore, 'scanVersions'>;
  readonly bucket: BucketRef;
  readonly afterKey: string;
  readonly pageSize: number;
  /** Asked for each page: rules may change on the way. */
  readonly judgement: () => { readonly configuration: LifecycleConfiguration; readonly clock: Clock };
}

/** Where the walk stands within a key. */
interface Place {
  readonly key: string;
  /** When the version seen last was made. */
  readonly aboveMs: number;
  /** noncurrent versions seen, delete markers not counted */
  readonly noncurrent: number;
  /** The current version when it is a delete marker and nothing else of the key was seen yet. */
  readonly loneMarker: VersionEntry | null;
}

export async function* walkVersions(options: WalkOptions): AsyncGenerator<WalkPage, void, void> {
  const { metadata, bucket, pageSize } = options;
  let from = options.afterKey;
  let fromSeqBelow: number | null = null;
  let place = null as Place | null;
  let doneKey = options.afterKey;
  for (;;) {
    const page: readonly VersionEntry[] = await metadata.scanVersions(bucket, {
      from,
      inclusive: false,
      end: null,
      fromSeqBelow,
      limit: pageSize,
    });
    const judgement = options.judgement();
    const tasks: Task[] = [];
    const leave = (left: Place): void => {
      if (left.loneMarker !== null) addStep(tasks, judgement, left.loneMarker, null, true);
      doneKey = left.key;
    };
    for (const entry of page) {
      const current: Place | null = place;
      if (current !== null && current.key === entry.key) {
        place = visitOlder(current, entry, tasks, judgement);
      } else {
        if (current !== null) leave(current);
        place = visitNewest(entry, tasks, judgement);
      }
    }
    const ended = page.length < pageSize;
    if (ended && place !== null) leave(place);
    yield { tasks, doneKey, listed: page.length };
    const last = page.at(-1);
    if (ended || last === undefined) return;
    from = last.key;
    fromSeqBelow = last.seq;
  }
}

type Judged = ReturnType<WalkOptions['judgement']>;

function visitNewest(entry: VersionEntry, tasks: Task[], judgement: Judged): Place {
  if (!entry.deleteMarker) addStep(tasks, judgement, entry, null, false);
  return {
    key: entry.key,
    aboveMs: entry.lastModified,
    noncurrent: 0,
    loneMarker: entry.deleteMarker ? entry : null,
  };
}

function visitOlder(place: Place, entry: VersionEntry, tasks: Task[], judgement: Judged): Place {
  addStep(tasks, judgement, entry, { sinceMs: place.aboveMs, newer: place.noncurrent }, false);
  return {
    key: place.key,
    aboveMs: entry.lastModified,
    noncurrent: place.noncurrent + (entry.deleteMarker ? 0 : 1),
    loneMarker: null,
  };
}

function addStep(tasks: Task[], judgement: Judged, entry: VersionEntry, standing: Standing, alone: boolean): void {
  const step = stepFor(judgement, subjectOfEntry(entry), { standing, alone });
  if (step !== null) tasks.push({ entry, step });
}

/** Groups of tasks of one key, in order. */
export function byKey(tasks: readonly Task[]): Task[][] {
  const groups: Task[][] = [];
  for (const task of tasks) {
    const group = groups.at(-1);
    if (group?.[0]?.entry.key === task.entry.key) group.push(task);
    else groups.push([task]);
  }
  return groups;
}
