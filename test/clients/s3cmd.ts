// s3cmd with a configuration file: the one of the documentation, which goes through the gateway's address as through a proxy
// and names buckets in host names, or one for Signature Version 4 and paths.
import { MASTER_KEY, REGION, SERVICE_URI } from '../support/server.js';
import type { WorkDir } from './fixtures.js';
import { clientEnv, run, runOk } from './tools.js';
import type { PythonTools, RunResult } from './tools.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The documentation's ~/.s3cfg; only the address of the load balancer is another. */
export function documentedS3cfg({ host, port }: Address): string {
  return `[default]
access_key = ${MASTER_KEY.accessKeyId}
secret_key = ${MASTER_KEY.secretAccessKey}
check_ssl_certificate = False
enable_multipart = True
encoding = UTF-8
encrypt = False
host_base = ${SERVICE_URI}
host_bucket = %(bucket)s.${SERVICE_URI}
proxy_host = ${host}
proxy_port = ${port}
server_side_encryption = True
signature_v2 = True
use_https = False
verbosity = WARNING
`;
}

/** As today's users write it: Signature Version 4, bucket names in the path, no encryption. */
export function s3cfgV4({ host, port }: Address): string {
  return `[default]
access_key = ${MASTER_KEY.accessKeyId}
secret_key = ${MASTER_KEY.secretAccessKey}
bucket_location = ${REGION}
host_base = ${host}:${port}
host_bucket = ${host}:${port}
signature_v2 = False
use_https = False
`;
}

export class S3cmd {
  readonly #tools: PythonTools;
  readonly #configFile: string;
  readonly #env: Readonly<Record<string, string | undefined>>;

  private constructor(tools: PythonTools, configFile: string, homeDir: string) {
    this.#tools = tools;
    this.#configFile = configFile;
    this.#env = clientEnv(homeDir);
  }

  /** Writes the configuration as ~/NAME of a home folder of its own in the work folder. */
  static async configured(options: {
    readonly tools: PythonTools;
    readonly workDir: WorkDir;
    readonly config: string;
    readonly name?: string;
  }): Promise<S3cmd> {
    const { tools, workDir, config, name = '.s3cfg' } = options;
    return new S3cmd(tools, await workDir.write(name, config), workDir.path);
  }

  /** Runs s3cmd and answers its standard output. Fails when it fails, and when it has complaints. */
  async ok(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await runOk(this.#tools.python, this.#line(args), { env: this.#env });
    if (/^(WARNING|ERROR)/m.test(stderr)) throw new Error(`s3cmd ${args.join(' ')} complained:\n${stderr}`);
    return stdout;
  }

  /** Empties a bucket and takes it away, which must still be there. */
  async removeBucket(uri: string): Promise<void> {
    // Not ok(): an empty bucket is worth a warning to s3cmd.
    const { code, stderr } = await this.run('del', '--recursive', '--force', uri);
    if (code !== 0) throw new Error(`s3cmd did not empty ${uri}:\n${stderr}`);
    await this.ok('rb', uri);
  }

  /** Runs s3cmd with standard input. */
  async fed(input: Uint8Array, ...args: readonly string[]): Promise<string> {
    return (await runOk(this.#tools.python, this.#line(args), { env: this.#env, input })).stdout;
  }

  /** Runs s3cmd, which may fail. */
  run(...args: readonly string[]): Promise<RunResult> {
    return run(this.#tools.python, this.#line(args), { env: this.#env });
  }

  #line(args: readonly string[]): string[] {
    return ['-B', this.#tools.bin('s3cmd'), '-c', this.#configFile, ...args];
  }
}
