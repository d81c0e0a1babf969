/** fsck on the embedded store. */
import { makeEmbeddedStores } from './embedded-stores.js';
import { fsckContract } from './suite/fsck.js';

fsckContract('embedded', makeEmbeddedStores);
