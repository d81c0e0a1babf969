// What the code blocks of the documentation need to be tried, and what is to be seen afterwards. A block is known by how it begins.
import type { PithosConfig } from '../support/config.js';

/** What becomes of a block. Scripts are bash, and end at the first command that fails. */
export type Treatment =
  | Run
  | Config
  /** Its last command serves, with the pithos.yaml that is there, until it is ended after this. */
  | { readonly kind: 'serve'; readonly after: string }
  /** JSON for what a user does with it: `$DOCUMENT` holds it. */
  | { readonly kind: 'json'; readonly buckets?: readonly string[]; readonly use: string }
  /** JSON that has the fields of what the script prints. */
  | { readonly kind: 'answer'; readonly from: string }
  /** A test of its own runs what this says: that file names it. */
  | { readonly kind: 'elsewhere'; readonly test: string; readonly names: readonly string[] }
  /** It is no command, or it cannot be run here. */
  | { readonly kind: 'not'; readonly because: string };

export interface Run {
  readonly kind: 'run';
  /** Buckets that the page takes for granted. */
  readonly buckets?: readonly string[];
  /** They keep versions. */
  readonly versioned?: boolean;
  /** What else it takes for granted. */
  readonly before?: string;
  /** What it must print. */
  readonly prints?: RegExp;
  /** Looks at what came of it. */
  readonly after?: string;
  /** What cannot be had here, and what stands for it. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** check-config takes it, with keys where it has none. */
interface Config {
  readonly kind: 'config';
  /** Key files that it names. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** With the Cassandra of the tests for the one that it names; it is left as pithos.yaml for the commands that follow. */
  readonly onCassandra?: boolean;
}

export interface Page {
  /** The server that its commands are for; absent: none. RECEIVER stands for the URL of a web server that takes everything. */
  readonly server?: PithosConfig;
  /** Its commands bring address, region and keys themselves; else the environment has them, as docs/clients.md tells. */
  readonly complete?: boolean;
  /** The test that runs its `sh` blocks; blocks are the others then. */
  readonly shellIsRunBy?: string;
  readonly blocks: readonly (readonly [begins: string, treatment: Treatment])[];
}

const run = (more: Omit<Run, 'kind'> = {}): Treatment => ({ kind: 'run', ...more });
const config = (more: Omit<Config, 'kind'> = {}): Treatment => ({ kind: 'config', ...more });
const not = (because: string): Treatment => ({ kind: 'not', because });
const elsewhere = (test: string, ...names: readonly string[]): Treatment => ({ kind: 'elsewhere', test, names });

const CHECKOUT = not(
  'npm ci would take away the packages that this test runs on; the gate does it in a clean checkout',
);
const MEASUREMENT = not('it measures, for minutes; some beside programs that are not installed here');

/** What the page of the admin API says of curl, for requests without a body. */
const SIGNED =
  'curl --silent --aws-sigv4 aws:amz:us-east-1:s3 -H "x-amz-content-sha256: $(printf "" | sha256sum | cut -d " " -f 1)"';

export const PAGES: Readonly<Record<string, Page>> = {
  'README.md': {
    server: {},
    complete: true,
    blocks: [
      ['npm ci && npm start', CHECKOUT],
      ['export AWS_ACCESS_KEY_ID', run({ prints: /s3:\/\/foobar/ })],
      ['npm ci && npm test', not('it runs this test')],
      ['keystore:', config()],
      ['service: {', config({ onCassandra: true, env: { PITHOS_MASTER_KEY: '0'.repeat(64) } })],
      [
        'node dist/server bootstrap',
        {
          kind: 'serve',
          after: "AWS_SECRET_ACCESS_KEY='change me' aws --region myregion s3 mb s3://readme-$RANDOM$RANDOM",
        },
      ],
    ],
  },
  'CONTRIBUTING.md': { blocks: [['npm ci && npm test', not('it runs this test')]] },
  'docs/access-logging.md': {
    server: {},
    blocks: [
      [
        'aws --endpoint-url',
        run({
          buckets: ['logs', 'photos'],
          after: 'aws s3api get-bucket-logging --bucket photos | grep photos/',
        }),
      ],
    ],
  },
  'docs/admin-api.md': {
    server: {},
    blocks: [
      ['curl --aws-sigv4', run({ prints: /"store": *"embedded"/ })],
      ['{"code": "AccessDenied"', { kind: 'answer', from: `${SIGNED} --user "$OTHER" "$SERVER/-/admin/v1/server"` }],
      [
        '{"Version"',
        {
          kind: 'json',
          use: `aws iam create-user --user-name viewer
                aws iam put-user-policy --user-name viewer --policy-name look --policy-document "$DOCUMENT"
                key=$(aws iam create-access-key --user-name viewer --output text \\
                  --query "join(':', [AccessKey.AccessKeyId, AccessKey.SecretAccessKey])")
                ${SIGNED} --user "$key" "$SERVER/-/admin/v1/server" | grep '"store":"embedded"'
                ${SIGNED} --user "$key" -X DELETE "$SERVER/-/admin/v1/buckets/none/limits" | grep AccessDenied`,
        },
      ],
    ],
  },
  'docs/append-and-rename.md': {
    server: {},
    blocks: [
      [
        'SIZE=',
        run({
          buckets: ['logs'],
          before: `echo first > first.log; echo second > lines.log
                   aws s3 cp first.log s3://logs/app.log`,
          after: "diff <(aws s3 cp s3://logs/app.log -) <(printf 'first\\nsecond\\n')",
        }),
      ],
      ['aws s3api rename-object', run({ after: 'aws s3 ls s3://logs | grep old.log' })],
    ],
  },
  'docs/clients.md': {
    shellIsRunBy: 'test/clients/guide.test.ts',
    blocks: [
      ['CREATE SECRET', not("DuckDB downloads its extension from its makers' site")],
      ['mc alias set', not("mc and s5cmd come from their makers' sites")],
      ['spark.jars.packages', not('Spark with hadoop-aws is larger than everything else together')],
      ['provider "aws"', not("Terraform's providers come from HashiCorp's registry")],
    ],
  },
  'docs/consistency.md': {
    blocks: [
      [
        'npm run build && node test/fault/linearizability.mjs',
        elsewhere('test/fault/linearizability.test.ts', './linearizability/experiment.js'),
      ],
      [
        'node test/fault/linearizability.mjs --mode quorum',
        elsewhere('test/fault/linearizability.test.ts', "mode: 'quorum'"),
      ],
    ],
  },
  'docs/console.md': {
    blocks: [
      ['npm ci && npm start', CHECKOUT],
      ['console:', config()],
    ],
  },
  'docs/encryption.md': {
    blocks: [
      [
        'encryption:',
        config({
          files: ['master.key', 'master-2025.key', 'payroll-1.key', 'payroll-2.key'],
          env: { TESTKEY_1: '1'.repeat(64), PAYROLL_0: '2'.repeat(64) },
        }),
      ],
      ['(umask 077', run({ after: 'test "$(base64 -d payroll-3.key | wc -c)" = 32' })],
    ],
  },
  'docs/iam.md': { server: {}, blocks: [['export AWS_ENDPOINT_URL', run({ prints: /"SecretAccessKey"/ })]] },
  'docs/inventory.md': {
    server: { gc: { 'inventory-interval': '1s' } },
    blocks: [
      [
        '{',
        {
          kind: 'json',
          buckets: ['photos', 'reports'],
          use: `aws s3api put-bucket-policy --bucket reports --policy "\${DOCUMENT/TENANT/test@example.com}"`,
        },
      ],
      [
        'aws s3api put-bucket-inventory-configuration',
        run({ after: 'until aws s3 ls --recursive s3://reports | grep manifest.checksum; do sleep 0.5; done' }),
      ],
      ['inventory/photos/all/data/', not('names of files; test/wire/inventory.test.ts finds them')],
    ],
  },
  'docs/kubernetes.md': { shellIsRunBy: 'test/k8s/guide.test.ts', blocks: [] },
  'docs/limits.md': {
    server: {},
    blocks: [
      ['limits:\n  rate-limit', config()],
      ['service:', config()],
      ['limits:\n  per-bucket', config()],
      ['LIMITS=', run({ buckets: ['my-bucket'], prints: /"requestsPerSecond": *50/ })],
      ['limits: {max-versions-per-key', config()],
    ],
  },
  'docs/maintenance.md': { server: {}, blocks: [['node dist/server fsck', run({ buckets: ['photos'] })]] },
  'docs/migrate.md': {
    blocks: [
      ['node dist/server bootstrap', elsewhere('test/fault/migrate.test.ts', "'migrate'", "'--from'", "'--state'")],
    ],
  },
  'docs/monitoring.md': {
    blocks: [
      ['service:', config()],
      [
        "{ printf 'apiVersion",
        run({
          instead: { 'kubectl apply -f -': 'cat > rule.yaml' },
          after: `node --input-type=module --eval '
            import { readFileSync } from "node:fs";
            import { parse } from "yaml";
            const { kind, spec } = parse(readFileSync("rule.yaml", "utf8"));
            if (kind !== "PrometheusRule" || !(spec.groups.length > 0)) throw new Error(kind);'`,
        }),
      ],
      ['tracing:', config()],
    ],
  },
  'docs/notifications.md': {
    server: { notifications: { targets: { thumbnails: { type: 'webhook', url: 'RECEIVER' } } } },
    blocks: [
      [
        'notifications:',
        config({ files: ['nats.creds'], env: { THUMBNAILS_TOKEN: 'token', THUMBNAILS_SECRET: 'secret' } }),
      ],
      [
        'aws --endpoint-url',
        run({
          buckets: ['photos'],
          after: 'aws s3api get-bucket-notification-configuration --bucket photos | grep new-photos',
        }),
      ],
    ],
  },
  'docs/operating.md': {
    server: {},
    blocks: [
      ['node dist/server doctor', run({ prints: /\b0 problems/ })],
      ['node dist/server fsck', run({ buckets: ['photos'], prints: /photos/ })],
      ['node dist/server bootstrap', run()],
    ],
  },
  'docs/performance.md': {
    blocks: [
      ['npm run build && node bench/peers.mjs', MEASUREMENT],
      ['npm run build && node bench/load.mjs', MEASUREMENT],
      ['node bench/listing.mjs', MEASUREMENT],
      [
        'npm run build && node test/fault/availability.mjs',
        elsewhere('test/fault/availability.test.ts', './availability/experiment.js'),
      ],
    ],
  },
  'docs/quickstart.md': {
    server: {},
    complete: true,
    blocks: [
      ['npm ci && npm start', CHECKOUT],
      ['export AWS_ENDPOINT_URL', run({ prints: /Hello World\n$/ })],
      ['service:', config()],
      ['node dist/server check-config', run({ prints: /kind: embedded/ })],
    ],
  },
  'docs/quotas.md': { server: {}, blocks: [['node dist/server quota set', run({ buckets: ['photos'] })]] },
  'docs/replication.md': {
    server: {},
    blocks: [
      [
        'aws --endpoint-url',
        run({
          buckets: ['photos', 'photos-copy'],
          versioned: true,
          after: `echo picture | aws s3 cp - s3://photos/1.jpg
                  until aws s3 ls s3://photos-copy | grep 1.jpg; do sleep 0.5; done`,
        }),
      ],
      [
        '{ "Effect": "Allow"',
        {
          kind: 'json',
          use: `aws s3api put-bucket-policy --bucket photos-copy \\
                  --policy "{\\"Version\\": \\"2012-10-17\\", \\"Statement\\": [$DOCUMENT]}"`,
        },
      ],
      ['replication:', config({ env: { BERLIN_KEY: 'key', BERLIN_SECRET: 'secret' } })],
      ['node dist/server replicate', run()],
    ],
  },
  'docs/security.md': {
    blocks: [['npm run build && node test/fuzz/fuzz.mjs', elsewhere('test/wire/fuzz.test.ts', 'fuzz.mjs')]],
  },
  'docs/select.md': {
    server: {},
    blocks: [
      [
        'aws s3api select-object-content',
        run({
          buckets: ['logs'],
          before: `printf 'path,status\\n/good,200\\n/bad,502\\n' | gzip | aws s3 cp - s3://logs/2026/01.csv.gz`,
          after: `test "$(cat answer.json)" = '{"path":"/bad","status":"502"}'`,
        }),
      ],
      ['SELECT *', not('a grammar; test/unit/select has the language')],
    ],
  },
  'docs/website.md': {
    server: {},
    blocks: [
      ['options:', config()],
      [
        'aws --endpoint-url',
        run({ buckets: ['foobar'], before: "echo 'Hello World' > index.html", prints: /Hello World\n$/ }),
      ],
    ],
  },
};
