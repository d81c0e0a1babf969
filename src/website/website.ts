/** Which requests are visits to websites, by the host that they name. */
import type { OperationRow } from '../s3/operation.js';
import { bucketOfHost, hostName } from '../s3/request.js';
import { WEBSITE_DOCUMENT } from '../s3/website.js';
import type { BucketStore } from '../store/types.js';
import type { WebsiteOperations } from './serve.js';

export interface WebsiteOptions {
  /** names under which buckets are sites, lower case */
  readonly hosts: readonly string[];
  /** A bucket that is named like the host and has a website configuration is that host's site. */
  readonly customDomains: boolean;
  /** of the API: never sites */
  readonly serviceHosts: readonly string[];
  readonly buckets: Pick<BucketStore, 'get'>;
  readonly table: readonly OperationRow[];
}

const ADDRESS = /^(\[.*\]|[\d.]+)$/;
/** No DNS name is longer. */
const MAX_HOST_LENGTH = 253;

export class Website {
  readonly operations: WebsiteOperations;
  readonly #options: WebsiteOptions;

  constructor(options: WebsiteOptions) {
    this.#options = options;
    const rowOf = (name: string): OperationRow => {
      const row = options.table.find((one) => one.name === name);
      if (row === undefined) throw new Error(`the operations table has no ${name}`);
      return row;
    };
    this.operations = {
      getObject: rowOf('GetObject'),
      headObject: rowOf('HeadObject'),
      preflight: rowOf('PreflightObject'),
    };
  }

  /**
   * The bucket whose site is visited; null: a request to the API.
   * @param host host[:port] as the client named it
   * @throws StoreError
   */
  async siteOf(host: string): Promise<string | null> {
    const { hosts, customDomains, serviceHosts, buckets } = this.#options;
    const name = hostName(host);
    if (name === '' || serviceHosts.includes(name)) return null;
    // Of names that lie under one another the longest decides.
    const [site, apiBucket] = [bucketOfHost(host, hosts), bucketOfHost(host, serviceHosts)];
    if (site !== null && (apiBucket === null || site.length < apiBucket.length)) return site;
    if (!customDomains || apiBucket !== null || hosts.includes(name)) return null;
    if (name.length > MAX_HOST_LENGTH || ADDRESS.test(name)) return null;
    const bucket = await buckets.get(name);
    return bucket?.state === 'active' && bucket.documents[WEBSITE_DOCUMENT] !== undefined ? name : null;
  }
}
