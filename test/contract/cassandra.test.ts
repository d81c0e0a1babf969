/** The same contract on a real Cassandra; its factory starts or finds one. */
import { makeCassandraStores } from './cassandra-stores.js';
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

bucketContract('cassandra', makeCassandraStores);
metadataContract('cassandra', makeCassandraStores);
blobContract('cassandra', makeCassandraStores);
garbageContract('cassandra', makeCassandraStores);
lifecycleContract('cassandra', makeCassandraStores);
inventoryContract('cassandra', makeCassandraStores);
iamContract('cassandra', makeCassandraStores);
outboxContract('cassandra', makeCassandraStores);
quotaContract('cassandra', makeCassandraStores);
limitContract('cassandra', makeCassandraStores);
