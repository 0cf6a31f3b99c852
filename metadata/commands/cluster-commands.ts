import { systemClusterId, topicCountOfCluster, topicsOfCluster } from "../image/image.ts";
import type { Cluster, Image } from "../image/image.ts";
import { limits } from "../limits.ts";
import { portOffsetStep } from "../port-offset.ts";
import type { MetadataRecord } from "../records/table.ts";
import { checkClusterDefaults } from "../settings/cluster-defaults.ts";
import { areEqualConfigs } from "../settings/topic-settings.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { withEligibility } from "./lowered-min-isr.ts";

export type ClusterErrorCode =
  | "CLUSTER_NOT_FOUND"
  | "CLUSTER_ALREADY_EXISTS"
  | "CLUSTER_NOT_EMPTY"
  | "INVALID_CLUSTER_NAME"
  | "INVALID_CONFIG"
  | "INVALID_REQUEST"
  | "LIMIT_EXCEEDED"
  /** `ifRevision` names another revision than the cluster's. */
  | "PRECONDITION_FAILED";

export type CreateClusterRequest = {
  readonly name: string;
  readonly description?: string;
  /** Topic settings (`retention.ms`) or server settings (`num.partitions`) that the cluster's topics start from. */
  readonly defaults?: Readonly<Record<string, string>>;
};

const clusterNamePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/;

export function createCluster(
  image: Image,
  request: CreateClusterRequest,
  context: CommandContext,
): Decision<Cluster, ClusterErrorCode> {
  const wrong = checkName(request.name) ?? checkDescription(request.description);
  if (wrong !== null) return wrong;
  if (image.clustersByName.has(request.name)) {
    return rejected(
      "CLUSTER_ALREADY_EXISTS",
      `a cluster named ${request.name} already exists`,
      "name",
    );
  }
  if (image.clusters.size >= limits.clusters) {
    return rejected(
      "LIMIT_EXCEEDED",
      `the cell has ${image.clusters.size} clusters; the limit for a cell is ${limits.clusters}`,
    );
  }
  const defaults = checkClusterDefaults(request.defaults ?? {});
  if (defaults.kind === "invalid") return invalidDefaults(defaults);
  const cluster: Cluster = {
    clusterId: context.uuid(),
    name: request.name,
    description: request.description ?? "",
    portOffset: freePortOffset(image),
    defaults: defaults.configs,
    state: "ready",
    createdAtMs: context.nowMs,
    revision: context.revision,
  };
  return accepted([{ kind: "cluster", ...cluster }], cluster);
}

/** The cluster of that name, created if it is not there: what `myelin dev` asks for at each start. */
export function ensureCluster(
  image: Image,
  request: CreateClusterRequest,
  context: CommandContext,
): Decision<Cluster, ClusterErrorCode> {
  const existing = image.clustersByName.get(request.name);
  if (existing !== undefined) return accepted([], existing);
  return createCluster(image, request, context);
}

export type UpdateClusterRequest = {
  readonly clusterId: string;
  readonly name?: string;
  readonly description?: string;
  /** All of them: defaults not named here go. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Refuse if the cluster has changed since this revision (If-Match). */
  readonly ifRevision?: number;
};

export function updateCluster(
  image: Image,
  request: UpdateClusterRequest,
  context: CommandContext,
): Decision<Cluster, ClusterErrorCode> {
  const found = findCluster(image, request.clusterId, request.ifRevision);
  if (found.kind === "rejected") return found;
  const name = request.name ?? found.cluster.name;
  const wrong = checkName(name) ?? checkDescription(request.description);
  if (wrong !== null) return wrong;
  if ((image.clustersByName.get(name) ?? found.cluster) !== found.cluster) {
    return rejected("CLUSTER_ALREADY_EXISTS", `a cluster named ${name} already exists`, "name");
  }
  // Only what is said is judged: a new name is not refused for what was allowed before.
  const defaults =
    request.defaults === undefined
      ? { kind: "valid" as const, configs: found.cluster.defaults }
      : checkClusterDefaults(request.defaults);
  if (defaults.kind === "invalid") return invalidDefaults(defaults);
  const description = request.description ?? found.cluster.description;
  const before = found.cluster;
  if (
    name === before.name &&
    description === before.description &&
    areEqualConfigs(defaults.configs, before.defaults)
  ) {
    return accepted([], before);
  }
  const { configs } = defaults;
  const { revision } = context;
  const cluster: Cluster = { ...before, name, description, defaults: configs, revision };
  const after = { topics: new Map(), clusters: new Map([[cluster.clusterId, configs]]) };
  const change = { records: [{ kind: "cluster" as const, ...cluster }], result: cluster };
  return withEligibility(image, change, { after, context });
}

export type DeleteClusterRequest = {
  readonly clusterId: string;
  /** Delete its topics too; without it a cluster that has topics stays. */
  readonly force?: boolean;
  readonly ifRevision?: number;
};

const topicsDeletedPerEntry = 2_000;

/** A cluster with many topics goes in several entries: marked deleting with the first, gone with the last. */
export function deleteCluster(
  image: Image,
  request: DeleteClusterRequest,
  context: CommandContext,
): Decision<{ clusterId: string }, ClusterErrorCode> {
  const found = findCluster(image, request.clusterId, request.ifRevision);
  if (found.kind === "rejected") {
    const isOwnProgress =
      found.error === "PRECONDITION_FAILED" &&
      image.clusters.get(request.clusterId)?.state === "deleting";
    if (!isOwnProgress) return found;
  }
  const cluster = image.clusters.get(request.clusterId);
  if (cluster === undefined) return clusterNotFound(request.clusterId);
  const { clusterId } = cluster;
  const topicCount = topicCountOfCluster(image, clusterId);
  if (topicCount > 0 && request.force !== true && cluster.state !== "deleting") {
    return rejected(
      "CLUSTER_NOT_EMPTY",
      `cluster ${cluster.name} has ${topicCount} topics; delete them first, or delete the cluster with force`,
    );
  }
  const records: MetadataRecord[] = topicsOfCluster(image, clusterId)
    .slice(0, topicsDeletedPerEntry)
    .map(({ topicId }) => ({ kind: "topicDeleted", topicId, deletedAtMs: context.nowMs }));
  if (topicCount <= topicsDeletedPerEntry) {
    return accepted([...records, { kind: "clusterDeleted", clusterId }], { clusterId });
  }
  records.unshift({ kind: "cluster", ...cluster, state: "deleting", revision: context.revision });
  return { kind: "accepted", records, result: { clusterId }, isIncomplete: true };
}

/** The cluster a request may change; system scope and unknown ids are not found alike. */
function findCluster(
  image: Image,
  clusterId: string,
  ifRevision?: number,
): { kind: "found"; cluster: Cluster } | Rejection<"CLUSTER_NOT_FOUND" | "PRECONDITION_FAILED"> {
  const cluster = image.clusters.get(clusterId);
  if (cluster === undefined) return clusterNotFound(clusterId);
  if (ifRevision !== undefined && cluster.revision !== ifRevision) {
    return rejected(
      "PRECONDITION_FAILED",
      `cluster ${cluster.name} is at revision ${cluster.revision}, not ${ifRevision}`,
    );
  }
  return { kind: "found", cluster };
}

function clusterNotFound(clusterId: string): Rejection<"CLUSTER_NOT_FOUND"> {
  return rejected("CLUSTER_NOT_FOUND", `no cluster has the id ${clusterId.slice(0, 100)}`);
}

function checkName(name: string): Rejection<ClusterErrorCode> | null {
  if (name.length === 0 || name.length > limits.clusterNameLength) {
    return rejected(
      "INVALID_CLUSTER_NAME",
      `name has ${name.length} characters; a cluster's name has 1 to ${limits.clusterNameLength}`,
      "name",
    );
  }
  if (clusterNamePattern.test(name) && name !== systemClusterId) return null;
  return rejected(
    "INVALID_CLUSTER_NAME",
    `name ${JSON.stringify(name)} is not letters, digits, '.', '_' and '-' beginning and ending with a letter or digit`,
    "name",
  );
}

function checkDescription(description: string | undefined): Rejection<ClusterErrorCode> | null {
  const length = description?.length ?? 0;
  if (length <= limits.clusterDescriptionLength) return null;
  return rejected(
    "INVALID_REQUEST",
    `description has ${length} characters; the limit is ${limits.clusterDescriptionLength}`,
    "description",
  );
}

function invalidDefaults(invalid: { name: string; message: string }): Rejection<ClusterErrorCode> {
  return rejected("INVALID_CONFIG", invalid.message, `defaults/${invalid.name}`);
}

/**
 * Offsets never used come first: a deleted cluster's port must not answer its old clients with another tenant's topics while there are others.
 */
function freePortOffset(image: Image): number {
  const highest = (limits.clusters - 1) * portOffsetStep;
  if (image.nextPortOffset <= highest) return image.nextPortOffset;
  let offset = 0;
  while (image.clustersByPortOffset.has(offset)) offset += portOffsetStep;
  return offset;
}
