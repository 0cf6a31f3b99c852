import { portOffsetStep } from "../port-offset.ts";
import { fieldsOf } from "../records/record-kind.ts";
import type { MetadataRecord } from "../records/table.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { areEqualConfigs } from "../settings/topic-settings.ts";
import type { MetadataChange } from "./changes.ts";
import type { Cluster } from "./image.ts";
import type { MutableImage } from "./mutable-image.ts";

type RecordOfKind<Kind extends MetadataRecord["kind"]> = Extract<MetadataRecord, { kind: Kind }>;

export function applyCluster(
  image: MutableImage,
  record: RecordOfKind<"cluster">,
): MetadataChange[] {
  const cluster = fieldsOf(record);
  const { clusterId } = cluster;
  const before = image.clusters.get(clusterId);
  putCluster(image, cluster);
  if (before === undefined) return [{ kind: "clusterCreated", clusterId }];
  const changes: MetadataChange[] = [{ kind: "clusterUpdated", clusterId }];
  if (!areEqualConfigs(before.defaults, cluster.defaults)) {
    changes.push({ kind: "clusterDefaultsChanged", clusterId });
  }
  return changes;
}

export function applyClusterDefaults(
  image: MutableImage,
  { clusterId, defaults }: RecordOfKind<"clusterDefaults">,
  revision: number,
): MetadataChange[] {
  putCluster(image, { ...clusterOf(image, clusterId), defaults, revision });
  return [{ kind: "clusterDefaultsChanged", clusterId }];
}

export function applyClusterDeleted(
  image: MutableImage,
  { clusterId }: RecordOfKind<"clusterDeleted">,
): MetadataChange[] {
  const cluster = clusterOf(image, clusterId);
  image.clusters.delete(clusterId);
  image.clustersByName.delete(cluster.name);
  image.clustersByPortOffset.delete(cluster.portOffset);
  image.epochFloors.delete(clusterId);
  return [{ kind: "clusterDeleted", cluster }];
}

function putCluster(image: MutableImage, cluster: Cluster): void {
  const before = image.clusters.get(cluster.clusterId);
  if (before !== undefined) {
    image.clustersByName.delete(before.name);
    image.clustersByPortOffset.delete(before.portOffset);
  }
  image.clusters.set(cluster.clusterId, cluster);
  image.clustersByName.set(cluster.name, cluster);
  image.clustersByPortOffset.set(cluster.portOffset, cluster);
  image.nextPortOffset = Math.max(image.nextPortOffset, cluster.portOffset + portOffsetStep);
}

function clusterOf(image: MutableImage, clusterId: string): Cluster {
  const cluster = image.clusters.get(clusterId);
  if (cluster !== undefined) return cluster;
  throw new MetadataDecodeError(
    "corrupt",
    `a record names cluster ${clusterId}, which is not there`,
  );
}
