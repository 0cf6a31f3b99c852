import { expect, test } from "vitest";

import { decodeArchive, encodeArchive } from "../../../../metadata/log/archive.ts";
import { MetadataDecodeError } from "../../../../metadata/records/field-types.ts";

const entries = [
  { revision: 7, entry: Uint8Array.of(1, 2, 3) },
  { revision: 8, entry: new Uint8Array(0) },
  { revision: 2 ** 40, entry: Uint8Array.of(9) },
];

test("an archive gives back its entries under their revisions", () => {
  const decoded = decodeArchive(encodeArchive(entries));
  expect(decoded.map(({ revision, entry }) => [revision, [...entry]])).toEqual(
    entries.map(({ revision, entry }) => [revision, [...entry]]),
  );
  expect(decodeArchive(encodeArchive([]))).toEqual([]);
});

test("an archive cut off anywhere inside an entry is corrupt", () => {
  const bytes = encodeArchive(entries.slice(0, 1));
  for (let length = 1; length < bytes.byteLength; length++) {
    expect(() => decodeArchive(bytes.subarray(0, length))).toThrow(MetadataDecodeError);
  }
});
