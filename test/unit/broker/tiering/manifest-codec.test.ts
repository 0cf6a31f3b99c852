import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeManifest,
  decodePage,
  encodeManifest,
  encodePage,
} from "../../../../broker/tiering/manifest-codec.ts";
import { type Manifest } from "../../../../broker/tiering/manifest.ts";
import { pageOf } from "../../../../broker/tiering/manifest-paging.ts";
import { putInt32 } from "../../../../protocol/records/big-endian.ts";
import { crc32c } from "../../../../protocol/records/crc32c.ts";
import { entryOf, path } from "./objects.ts";

const entries = [entryOf(0, 10), entryOf(10, 2 ** 45, { hasAborted: true, generation: 2 })];

const manifest: Manifest = {
  topicId: path.topicId,
  index: path.index,
  leaderEpoch: 12,
  revision: 34,
  logStartOffset: 5,
  pages: [pageOf("manifest-pages/x", entries)],
  segments: entries,
  leaving: [{ name: "gone.segment", sinceMs: 1_700_000_000_000 }],
  cleanedTo: 7,
  expiring: { bytes: 300, lastHorizonMs: 1_700_000_100_000 },
};

test("manifests and pages come back from their bytes", () => {
  expect(decodeManifest(encodeManifest(manifest))).toEqual({ kind: "decoded", manifest });
  const page = { kind: "decoded", topicId: path.topicId, index: path.index, entries };
  expect(decodePage(encodePage(path, entries))).toEqual(page);
});

test("a page is no manifest, and a manifest no page", () => {
  expect(decodePage(encodeManifest(manifest)).kind).toBe("corrupt");
  expect(decodeManifest(encodePage(path, entries)).kind).toBe("corrupt");
});

test("damaged bytes are corrupt", () => {
  const bytes = encodeManifest(manifest);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const damaged = new Uint8Array(bytes);
      damaged[at]! ^= 1 << bit;
      expect(decodeManifest(damaged).kind).toBe("corrupt");
      expect(decodeManifest(bytes.subarray(0, at)).kind).toBe("corrupt");
    }),
    { numRuns: 500 },
  );
});

test("nonsense with a CRC that holds is told, or read as what it says", () => {
  const bytes = encodeManifest(manifest);
  fc.assert(
    fc.property(fc.integer({ min: 12, max: bytes.length - 1 }), fc.nat(255), (at, value) => {
      const changed = new Uint8Array(bytes);
      changed[at] = value;
      putInt32(changed, 8, crc32c(changed, 12));
      const decoded = decodeManifest(changed);
      expect(["decoded", "corrupt"]).toContain(decoded.kind);
    }),
    { numRuns: 1000 },
  );
});
