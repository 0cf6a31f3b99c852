import type { LoadReport } from "../../metadata/load/load-report.ts";
import { decodeLoadReport, loadPrefix } from "../../metadata/load/load-report.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** What brokers have said of their load, by broker; nothing of one whose report cannot be read. Throws ObjectStoreError. */
export async function readLoads(
  objects: Pick<ObjectStore, "get" | "list">,
  cell: string,
): Promise<Map<number, LoadReport>> {
  // At most a thousand: a cell has fewer brokers, and those that are no more are taken away.
  const keys = await objects.list(loadPrefix(cell));
  const loads = new Map<number, LoadReport>();
  const waiting = keys.map(({ key }) => key);
  const readOn = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const found = await objects.get(key);
      const report = found === null ? null : decodeLoadReport(found.bytes);
      if (report !== null) loads.set(report.brokerId, report);
    }
  };
  await Promise.all(Array.from({ length: 16 }, readOn));
  return loads;
}
