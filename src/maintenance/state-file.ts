/** The checkpoints of long commands (fsck, migrate): a JSON file that is replaced as a whole, durably, or not at all. */
import { open, readFile, rename } from 'node:fs/promises';

/** Every state says what it is of. */
export interface SavedState {
  readonly format: 1;
  /** What the run was asked for: another request starts anew. */
  readonly request: string;
}

/** The state file is of another request, or of no such command at all. */
export class ForeignStateError extends Error {
  override readonly name = 'ForeignStateError';
}

export interface StateWords {
  /** 'an fsck' */
  readonly command: string;
  /** 'an fsck that was asked for something else' */
  readonly other: string;
}

/** null: there is none. @throws ForeignStateError; the file system's errors */
export async function readState<State extends SavedState>(
  file: string,
  request: string,
  { command, other }: StateWords,
): Promise<State | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let saved: Partial<SavedState>;
  try {
    saved = JSON.parse(text) as Partial<SavedState>;
  } catch {
    throw new ForeignStateError(`${file} is not the state of ${command}`);
  }
  if (saved.format !== 1) throw new ForeignStateError(`${file} is not the state of ${command} of this version`);
  if (saved.request !== request) throw new ForeignStateError(`${file} is of ${other}: remove it to start anew`);
  return saved as State;
}

/** The state is this one when it resolves; until then it is the one before. */
export async function writeState(stateFile: string, state: SavedState): Promise<void> {
  const file = await open(`${stateFile}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(state));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${stateFile}.new`, stateFile);
}
