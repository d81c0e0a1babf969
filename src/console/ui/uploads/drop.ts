/** Files and folders out of a drop or a file input, with their paths. */
import type { Source } from './queue.js';

/** The entries must be taken from the event before it is over, so nothing is awaited before. */
export async function droppedSources(transfer: DataTransfer): Promise<Source[]> {
  const files = [...transfer.files];
  const entries = [...transfer.items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry());
  if (entries.every((entry) => entry === null)) return files.map((file) => ({ file, path: file.name }));
  const found: Source[] = [];
  for (const entry of entries) if (entry !== null) await collect(entry, found);
  return found;
}

/** Of an input; one that chooses folders tells paths. */
export function chosenSources(files: FileList): Source[] {
  return [...files].map((file) => ({
    file,
    path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath,
  }));
}

async function collect(entry: FileSystemEntry, found: Source[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // Directories are read a hundred entries at a time.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const child of batch) await collect(child, found);
  }
}
