/** Contract of MetadataStore, apart from its garbage. */
import { commitContract } from './commits.js';
import { completionContract } from './completions.js';
import type { MakeStores } from './harness.js';
import { listingContract } from './listings.js';
import { modelContract } from './model.js';
import { placementContract } from './placements.js';
import { quorumContract } from './quorum.js';
import { renameContract } from './renames.js';
import { uploadContract } from './uploads.js';

export function metadataContract(name: string, makeStores: MakeStores): void {
  commitContract(name, makeStores);
  modelContract(name, makeStores);
  listingContract(name, makeStores);
  uploadContract(name, makeStores);
  completionContract(name, makeStores);
  renameContract(name, makeStores);
  quorumContract(name, makeStores);
  placementContract(name, makeStores);
}
