import type { BrokerConfig } from "../../../broker/config.ts";
import { decodeManifest } from "../../../broker/tiering/manifest-codec.ts";
import { tieredEnd, type Manifest } from "../../../broker/tiering/manifest.ts";
import {
  manifestKey,
  partitionPrefix,
  type PartitionPath,
} from "../../../broker/tiering/object-keys.ts";
import { cellName, type BrokerNode } from "../cell/broker-node.ts";
import { smallBrokerConfig } from "../cell/sim-cell.ts";
import { ClusterClient } from "../client/cluster-client.ts";
import { Fetcher } from "../client/fetcher.ts";
import { Trimmer } from "../client/trimmer.ts";
import { partitionKey } from "../history/history.ts";
import type { ObjectChange } from "../stores/sim-object-store.ts";
import type { Stage } from "./stage.ts";

// A stage on which records get cold within seconds, and what a script may see and ask of the object store.

const kibibyte = 1024;

export function tiered(tiering: Partial<BrokerConfig["tiering"]> = {}): Partial<BrokerConfig> {
  return {
    log: {
      ...smallBrokerConfig.log,
      chunkBytes: 8 * kibibyte,
      ringBytes: 64 * kibibyte,
      fileBytes: 16 * kibibyte,
      // As on a real disk, checkpoints and footers have room when batches have none.
      minFreeBytes: 64 * kibibyte,
    },
    tiering: {
      segmentBytes: 4 * kibibyte,
      maxAgeMs: 1_500,
      localBudgetBytes: 0,
      graceMs: 20_000,
      checkMs: 300,
      ...tiering,
    },
    retentionCheckMs: 1_000,
  };
}

/** The same where directories die with their hosts: packs every second, and disks that are given up soon. */
export function packed(tiering: Partial<BrokerConfig["tiering"]> = {}): Partial<BrokerConfig> {
  return {
    ...tiered(tiering),
    isEphemeral: true,
    cell: { lostDelayMs: 2_000 },
    packing: { intervalMs: 1_000, packBytes: 192 * kibibyte },
  };
}

/** Every host loses power, and comes back with an empty disk. */
export function loseEveryDisk(stage: Stage): void {
  for (const { host, disk, directory } of stage.nodes) {
    host.crash();
    disk.wipe(directory, { isNewVolume: true });
  }
  stage.promises.everyDiskLost();
  for (const { host } of stage.nodes) host.boot();
}

export const pathOf = (stage: Stage, topic?: string, index = 0): PartitionPath => ({
  cell: cellName,
  topicId: stage.topicId(topic),
  index,
});

/** As it is in the store, whoever has heard of it; null before the first. */
export function manifestOf(stage: Stage, topic?: string, index?: number): Manifest | null {
  const bytes = stage.cell.objects.peek(manifestKey(pathOf(stage, topic, index)));
  const decoded = bytes === null ? null : decodeManifest(bytes);
  return decoded?.kind === "decoded" ? decoded.manifest : null;
}

/** 0 without a manifest. */
export function tieredEndOf(stage: Stage, topic?: string, index?: number): number {
  const manifest = manifestOf(stage, topic, index);
  return manifest === null ? 0 : tieredEnd(manifest);
}

/** Keys of the segments that are there, listed or not. */
export const segmentKeys = (stage: Stage, topic?: string, index?: number): string[] =>
  stage.cell.objects
    .keys(partitionPrefix(pathOf(stage, topic, index)))
    .filter((key) => key.endsWith(".segment"));

/** Whether `what` is a call of that kind for a partition's manifest, or for a segment. */
export const isManifestCall = (what: string, kind: string): boolean =>
  what.startsWith(`${kind} of `) && what.endsWith("/manifest");
export const isSegmentCall = (what: string, kind: string): boolean =>
  what.startsWith(`${kind} of `) && what.endsWith(".segment");

export const isOf = (node: BrokerNode, process: { readonly name: string }): boolean =>
  process.name.startsWith(`${node.name}#`);

/** Resolves right after the first change of that sort. */
export async function untilChanged(
  stage: Stage,
  what: string,
  isIt: (change: ObjectChange) => boolean,
): Promise<ObjectChange> {
  let found: ObjectChange | null = null;
  stage.cell.objects.onChange((change) => {
    if (found === null && isIt(change)) found = change;
  });
  await stage.until(what, () => found !== null);
  return found as unknown as ObjectChange;
}

/** Asks for DeleteRecords, once: the low watermark that was told, or null. */
export function deleteRecords(
  stage: Stage,
  offset: number,
  topic = "orders",
): Promise<number | null> {
  stage.history.trimmed.add(partitionKey(stage.topicId(topic), 0));
  const place = stage.cell.addClient("trimmer");
  const options = { name: "trimmer", history: stage.history, topic, partitionCount: 1, pauseMs: 1 };
  return new Trimmer(place, options).delete({ topic, index: 0 }, offset);
}

/** ListOffsets, once: a special offset's, or a timestamp's; null without an answer. */
export async function listOffset(
  stage: Stage,
  timestamp: number,
  topic = "orders",
): Promise<number | null> {
  const client = new ClusterClient(stage.cell.addClient("lister"));
  client.want([topic]);
  const reads = { usesSessions: false, maxWaitMs: 0, maxBytes: 0, rack: "" };
  const fetcher = new Fetcher(client, { name: "lister", history: stage.history, ...reads });
  const found = await fetcher.list({ topic, index: 0 }, timestamp);
  client.disconnect();
  return found;
}
