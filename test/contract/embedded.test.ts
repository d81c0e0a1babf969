/** The contract on the embedded store. */
import { makeEmbeddedStores } from './embedded-stores.js';
import { blobContract } from './suite/blobs.js';
import { bucketContract } from './suite/buckets.js';
import { garbageContract } from './suite/garbage.js';
import { iamContract } from './suite/iam.js';
import { inventoryContract } from './suite/inventory.js';
import { lifecycleContract } from './suite/lifecycle.js';
import { limitContract } from './suite/limits.js';
import { metadataContract } from './suite/metadata.js';
import { outboxContract } from './suite/outbox.js';
import { quotaContract } from './suite/quotas.js';

bucketContract('embedded', makeEmbeddedStores);
metadataContract('embedded', makeEmbeddedStores);
blobContract('embedded', makeEmbeddedStores);
garbageContract('embedded', makeEmbeddedStores);
lifecycleContract('embedded', makeEmbeddedStores);
inventoryContract('embedded', makeEmbeddedStores);
iamContract('embedded', makeEmbeddedStores);
outboxContract('embedded', makeEmbeddedStores);
quotaContract('embedded', makeEmbeddedStores);
limitContract('embedded', makeEmbeddedStores);
