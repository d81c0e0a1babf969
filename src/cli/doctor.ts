/** doctor: looks at everything that a gateway needs before it is asked for it, and says what is wrong and what to do. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { formatIssue } from '../config/index.js';
import type { Config } from '../config/index.js';
import type { StoreTopology, Stores } from '../store/types.js';
import { EXIT } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const FORMAT = 'pithos-doctor/1';
const MIB = 1024 * 1024;
/** Certificates that end sooner are worth a word. */
const CERTIFICATE_DAYS = 21;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A share of a disk that is free. */
const LOW_SHARE = 0.1;
const LOW_BYTES = 1024 * MIB;
const MAX_SKEW_MS = 2_000;

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly text: string;
}

type Report = (finding: Finding) => Promise<void>;

export async function doctor(context: CliContext): Promise<ExitCode> {
  const { config, options, output } = context;
  const findings: Finding[] = [];
  const json = options['json'] === true;
  const report: Report = async (finding) => {
    findings.push(finding);
    if (!json) await output.line(`${MARK[finding.state]} ${finding.check}: ${finding.text}`);
  };
  await checkConfig(config, report);
  await checkCertificate(config, report);
  let stores: Stores | null = null;
  try {
    ({ stores } = await context.stores());
    await report({ check: 'store', state: 'ok', text: `${stores.kind} answers, and its schema is this version's` });
  } catch (error) {
    await report({ check: 'store', state: 'problem', text: error instanceof Error ? error.message : String(error) });
  }
  if (stores !== null) {
    await checkTopology(await stores.topology(), report);
    await checkClocks(stores, report);
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  if (json) await output.line(JSON.stringify({ format: FORMAT, problems, warnings, findings }));
  else await output.line(`${problems} problems, ${warnings} warnings`);
  return problems === 0 ? EXIT.clean : EXIT.problems;
}

const MARK = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' } as const;

async function checkConfig(config: Config, report: Report): Promise<void> {
  for (const issue of config.warnings) await report({ check: 'config', state: 'warning', text: formatIssue(issue) });
  const check = 'keys';
  const count = Object.keys(config.keystore.keys).length;
  if (config.usesExampleKeys)
    await report({ check, state: 'warning', text: 'the published example keys are in use: anybody may come in' });
  else await report({ check, state: 'ok', text: `${count} in the configuration` });
  if (config.store.kind === 'cassandra' && config.encryption.masterKey === null)
    await report({
      check: 'encryption',
      state: 'warning',
      text: 'no master key: server-side encryption and IAM access keys are refused (encryption.master-key)',
    });
}

async function checkCertificate({ service }: Config, report: Report): Promise<void> {
  const { tls } = service;
  if (tls === undefined) return;
  const check = 'tls';
  try {
    await access(tls.keyFile, constants.R_OK);
    const { validFrom, validTo, subject } = new X509Certificate(await readFile(tls.certFile));
    const leftMs = Date.parse(validTo) - Date.now();
    const text = `the certificate of ${subject} is valid until ${validTo}`;
    if (leftMs < 0 || Date.parse(validFrom) > Date.now())
      await report({ check, state: 'problem', text: `${text}, from ${validFrom}: not now` });
    else await report({ check, state: leftMs < CERTIFICATE_DAYS * DAY_MS ? 'warning' : 'ok', text });
  } catch (error) {
    await report({ check, state: 'problem', text: error instanceof Error ? error.message : String(error) });
  }
}

async function checkTopology(topology: StoreTopology, report: Report): Promise<void> {
  if (topology.kind === 'embedded') {
    for (const { path, holds, freeBytes, totalBytes } of topology.volumes) {
      const low = freeBytes < LOW_BYTES || freeBytes < totalBytes * LOW_SHARE;
      const text = `${path} (${holds}) has ${Math.round(freeBytes / MIB)} of ${Math.round(totalBytes / MIB)} MiB free`;
      await report({ check: 'disk', state: low ? 'warning' : 'ok', text });
      const { mode } = await stat(path);
      if ((mode & 0o007) !== 0)
        await report({ check: 'disk', state: 'warning', text: `${path} is open to everybody on this machine` });
    }
    return;
  }
  for (const { contactPoints, nodes, schemaAgreement, keyspaces } of topology.clusters) {
    const name = contactPoints.join(',');
    const down = nodes.filter(({ up }) => !up);
    const text = `${name}: ${nodes.length - down.length} of ${nodes.length} nodes up, keyspaces ${keyspaces.join(', ')}`;
    if (schemaAgreement === null) await report({ check: 'ring', state: 'problem', text: `${name} cannot be reached` });
    else if (down.length > 0)
      await report({
        check: 'ring',
        state: 'problem',
        text: `${text}; down: ${down.map(({ address }) => address).join(', ')}`,
      });
    else await report({ check: 'ring', state: 'ok', text });
    if (schemaAgreement === false)
      await report({
        check: 'schema',
        state: 'problem',
        text: `${name}: nodes disagree about the schema; if that lasts, restart the node that differs`,
      });
    const releases = new Set(nodes.filter(({ up }) => up).map(({ release }) => release));
    if (releases.size > 1)
      await report({ check: 'ring', state: 'warning', text: `${name} runs ${[...releases].join(' and ')}` });
  }
}

async function checkClocks(stores: Stores, report: Report): Promise<void> {
  for (const { address, offsetMs } of await stores.clocks()) {
    const far = Math.abs(offsetMs) > MAX_SKEW_MS;
    const text = `${address} is ${Math.round(Math.abs(offsetMs))} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} this machine`;
    await report({ check: 'clocks', state: far ? 'problem' : 'ok', text: far ? `${text}: run NTP on both` : text });
  }
}
