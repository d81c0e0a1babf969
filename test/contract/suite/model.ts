/** Contract of MetadataStore: random histories of keys, compared step by step with a model that is a sorted list. */
import { describe, expect, it } from 'vitest';
import type { BucketRef, KeyChange, MetadataStore, ObjectVersion } from '../../../src/store/types.js';
import { allVersions, draft, markerDraft, range, useStores } from './harness.js';
import type { MakeStores } from './harness.js';

const STEPS = 150;
const KEYS = ['a', 'a\u0000', 'b/c', '\u{1F642}'];

export function modelContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: random histories`, () => {
    const fixture = useStores(makeStores);

    it.each([1, 2, 3])('agrees with the model (seed %i)', async (seed) => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const random = generator(seed);
      const model = new Map<string, ObjectVersion[]>(KEYS.map((key) => [key, []]));
      for (const step of range(STEPS)) {
        const key = KEYS[Math.floor(random() * KEYS.length)] ?? 'a';
        const versions = model.get(key) ?? [];
        const target = versions[Math.floor(random() * versions.length)];
        const { version, before } = await metadata.commit({
          bucket,
          key,
          select: { versionId: target?.versionId ?? 'null' },
          decide: (state) => {
            expect(state.selected?.seq).toBe(target?.seq ?? undefined);
            return decideStep(random, step, state.selected);
          },
        });
        expect([before.latest?.seq, before.previous?.seq]).toEqual([versions[0]?.seq, versions[1]?.seq]);
        expect(before.nullVersion?.seq).toBe(versions.find((v) => v.versionId === 'null')?.seq);
        model.set(key, applyToModel(versions, before.selected, version));
        if (step % 10 === 0 || step === STEPS - 1) await compare(metadata, bucket, model);
      }
    });
  });
}

/** Puts of four kinds, or a replacement or removal of the selected version. */
function decideStep(random: () => number, step: number, selected: ObjectVersion | null): KeyChange {
  const choice = random();
  if (selected !== null && choice < 0.35) return { remove: [selected] };
  if (selected !== null && choice < 0.5) return { replace: { ...selected, tags: { step: String(step) } } };
  const isNull = choice < 0.75;
  return { put: { draft: random() < 0.3 ? markerDraft() : draft({ etag: `etag-${step}` }), isNull } };
}

function applyToModel(
  versions: readonly ObjectVersion[],
  selected: ObjectVersion | null,
  version: ObjectVersion | null,
): ObjectVersion[] {
  // nothing put or replaced: the selected one was removed
  if (version === null) return versions.filter((v) => v.seq !== selected?.seq);
  if (version.seq === selected?.seq) return versions.map((v) => (v.seq === version.seq ? version : v));
  const kept = versions.filter((v) => version.versionId !== 'null' || v.versionId !== 'null');
  return [version, ...kept];
}

async function compare(
  metadata: MetadataStore,
  bucket: BucketRef,
  model: ReadonlyMap<string, readonly ObjectVersion[]>,
): Promise<void> {
  const expected = KEYS.flatMap((key) =>
    (model.get(key) ?? []).map(({ seq, versionId, etag, deleteMarker }, i) => ({
      key,
      seq,
      versionId,
      etag,
      deleteMarker,
      latest: i === 0,
    })),
  );
  const listed = await allVersions(metadata, bucket);
  expect(
    listed.map(({ key, seq, versionId, etag, deleteMarker, latest }) => ({
      key,
      seq,
      versionId,
      etag,
      deleteMarker,
      latest,
    })),
  ).toEqual(expected);
  const objects = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 100 });
  expect(objects.map(({ key, etag }) => ({ key, etag }))).toEqual(
    expected.filter((entry) => entry.latest && !entry.deleteMarker).map(({ key, etag }) => ({ key, etag })),
  );
  for (const [key, versions] of model) {
    const latest = await metadata.getVersion(bucket, key, 'latest', { withInline: false });
    expect([latest?.seq, latest?.tags]).toEqual([versions[0]?.seq, versions[0]?.tags]);
    const nullVersion = await metadata.getVersion(bucket, key, { versionId: 'null' }, { withInline: false });
    expect(nullVersion?.seq).toBe(versions.find((v) => v.versionId === 'null')?.seq);
  }
  expect(await metadata.isEmpty(bucket)).toBe(expected.length === 0);
}

/** mulberry32: the same history every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
