// A real Apache Cassandra 5.0 for tests and measurements, without Docker: the public face of this folder. Types and
// documentation are in index.d.mts.
export { ensureCassandraInstalled } from './install.mjs';
export { startNode } from './node.mjs';
export { startRing } from './ring.mjs';
export { stopDetached } from './detached.mjs';
export { freePort } from './ports.mjs';
export { tlsMaterial } from './tls.mjs';
