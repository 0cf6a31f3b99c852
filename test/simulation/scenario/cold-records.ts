import { decodeManifest, decodePage } from "../../../broker/tiering/manifest-codec.ts";
import { tieredEnd, type SegmentEntry } from "../../../broker/tiering/manifest.ts";
import { manifestKey, objectKey } from "../../../broker/tiering/object-keys.ts";
import { cellName } from "../cell/broker-node.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import { readRecords } from "../client/read-records.ts";
import type { SeenRecord } from "../history/history.ts";

/**
 * What the object store has of a partition, read without a broker. Readers are given what is on a broker's disk first, where nothing is compacted: so what
 * compaction has made of a log is looked at where it made it.
 */
export function coldRecords(
  cell: SimCell,
  { topicId, index }: { readonly topicId: string; readonly index: number },
): { readonly records: readonly SeenRecord[]; readonly end: number } {
  const path = { cell: cellName, topicId, index };
  const bytesOf = (name: string): Uint8Array => cell.objects.peek(objectKey(path, name))!;
  const stored = cell.objects.peek(manifestKey(path));
  const decoded = stored === null ? null : decodeManifest(stored);
  if (decoded?.kind !== "decoded") return { records: [], end: 0 };
  const { manifest } = decoded;
  const paged = manifest.pages.flatMap(({ name }) => {
    const page = decodePage(bytesOf(name));
    return page.kind === "decoded" ? page.entries : [];
  });
  const recordsIn = ({ name, dataBytes }: SegmentEntry): readonly SeenRecord[] =>
    readRecords(bytesOf(name).subarray(0, dataBytes), 0).records;
  const records = [...paged, ...manifest.segments].flatMap(recordsIn);
  return {
    records: records.filter(({ offset }) => offset >= manifest.logStartOffset),
    end: tieredEnd(manifest),
  };
}
