/**
 * The marks that a rename leaves in the versions of both keys. Pure.
 *
 * A rename is three conditional writes: the source's newest version is marked, the target gets the version, the source's goes. The
 * mark names the target's clock as it was, and the second write is made for that clock alone. So it can be told at any time what
 * became of a rename: the target has its version; or else its clock can be moved on (a fence), and then it never will. Whoever
 * comes to change a key with a mark finds that out first (moves.ts).
 */
import { sourceChange } from '../shared/rename.js';
import type { CommitRequest, KeyChange, KeyState, ObjectVersion, OutboxDraft, VersionDraft } from '../types.js';

const MARK = 'move';

/** In the source's newest version, as long as the rename is under way. */
export interface LeavingMark {
  readonly role: 'leaving';
  /** of the rename: uuid */
  readonly id: string;
  /** the target */
  readonly to: string;
  /** The target's clock that the rename is made for; null: it had none. */
  readonly clock: number | null;
  /** what the source gets when it is made, as in RenameChange */
  readonly marker: VersionDraft | null;
  readonly isNull: boolean;
  /**
   * What the source's end is to tell, for who makes it instead of the rename's own gateway; absent: nothing. Written before the delete
   * marker has a version id: the rename's id stands for it.
   */
  readonly events?: readonly OutboxDraft[];
}

/** In the target's version, until the key is changed again. */
export interface ArrivedMark {
  readonly role: 'arrived';
  readonly id: string;
  /** the source */
  readonly from: string;
}

export type MoveMark = LeavingMark | ArrivedMark;

export function markOf(version: Pick<ObjectVersion, 'extra'> | null): MoveMark | null {
  return (version?.extra[MARK] as MoveMark | undefined) ?? null;
}

export function withMark<V extends Pick<VersionDraft, 'extra'>>(version: V, mark: MoveMark): V {
  return { ...version, extra: { ...version.extra, [MARK]: mark } };
}

export function withoutMark<V extends Pick<VersionDraft, 'extra'>>(version: V): V {
  if (!(MARK in version.extra)) return version;
  const { [MARK]: _mark, ...extra } = version.extra;
  return { ...version, extra };
}

/** The state as if its newest version had never been renamed: what is written back from it carries no mark. */
export function withoutMarks(state: KeyState): KeyState {
  const strip = (version: ObjectVersion | null): ObjectVersion | null => version && withoutMark(version);
  return {
    seq: state.seq,
    latest: strip(state.latest),
    previous: strip(state.previous),
    nullVersion: strip(state.nullVersion),
    selected: strip(state.selected),
  };
}

/**
 * What the last write is to tell, before it is made: with the clock next to the source's, which no other change tells of.
 * @param source without marks
 */
export function leavingEvents(
  events: CommitRequest['events'],
  source: KeyState,
  { id, marker, isNull }: Pick<LeavingMark, 'id' | 'marker' | 'isNull'>,
): Pick<LeavingMark, 'events'> {
  const seq = source.seq + 1;
  const version = marker === null ? null : { ...marker, versionId: isNull ? 'null' : id, seq };
  const drafts = events?.({ before: source, version, seq }) ?? [];
  return drafts.length === 0 ? {} : { events: drafts };
}

/** The same once it is known which version has come. */
export function eventsOfMark({ events = [], id }: LeavingMark, put: ObjectVersion | null): readonly OutboxDraft[] {
  if (put === null) return events;
  return events.map(({ queue, body }) => ({ queue, body: body.replaceAll(id, put.versionId) }));
}

/** The last write: the source's version goes, or stays below the delete marker without its mark. */
export function leavingChange(state: KeyState, mark: LeavingMark): KeyChange {
  const change = sourceChange(state, mark);
  const { latest } = state;
  const stays = latest !== null && !(change.remove ?? []).some(({ seq }) => seq === latest.seq);
  return stays ? { ...change, replace: withoutMark(latest) } : change;
}

/** The way back: nothing has happened. */
export function stayingChange({ latest }: KeyState): KeyChange | null {
  return latest === null ? null : { replace: withoutMark(latest) };
}
