/**
 * Seals what must not be read in a store or a token (secrets of access keys, session tokens) with AES-256-GCM, under keys derived
 * from the deployment's master keys: every gateway that has them can open it, after a rotation too.
 */
import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createHash, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;
const VERSION = 1;
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES;

interface SealingKey {
  readonly id: Buffer;
  readonly key: KeyObject;
}

export class Sealer {
  readonly #keys: readonly SealingKey[];

  /**
   * masterKeys: 32 bytes each, the newest first; it seals, all open. purpose: what is sealed for one does not open for another.
   * @throws RangeError without a key
   */
  constructor(masterKeys: readonly Buffer[], purpose: string) {
    if (masterKeys.length === 0) throw new RangeError('sealing needs a master key');
    this.#keys = masterKeys.map((master) => {
      const key = Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `pithos ${purpose} v1`, KEY_BYTES));
      return { id: createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES), key: createSecretKey(key) };
    });
  }

  /** label: authenticated with the text; open needs the same. Answers base64url. */
  seal(text: string, label: string): string {
    const [current] = this.#keys;
    if (current === undefined) throw new RangeError('sealing needs a master key');
    const header = Buffer.concat([Buffer.of(VERSION), current.id, randomBytes(NONCE_BYTES)]);
    const cipher = createCipheriv('aes-256-gcm', current.key, header.subarray(-NONCE_BYTES));
    cipher.setAAD(Buffer.concat([header, Buffer.from(label, 'utf8')]));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([header, body, cipher.getAuthTag()]).toString('base64url');
  }

  /** null: made by nobody who has one of the keys, or for another purpose or label, or changed */
  open(sealed: string, label: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
    const header = bytes.subarray(0, HEADER_BYTES);
    const keyId = header.subarray(1, 1 + KEY_ID_BYTES);
    const found = this.#keys.find(({ id }) => id.equals(keyId));
    if (found === undefined) return null;
    const decipher = createDecipheriv('aes-256-gcm', found.key, header.subarray(-NONCE_BYTES));
    decipher.setAAD(Buffer.concat([header, Buffer.from(label, 'utf8')]));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }
}
