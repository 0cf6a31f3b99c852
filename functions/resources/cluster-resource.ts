import { z } from "zod";
import {
  createCluster,
  deleteCluster,
  updateCluster,
} from "../../metadata/commands/cluster-commands.ts";
import type { Cluster } from "../../metadata/image/image.ts";
import { bootstrapServers } from "../cluster-endpoints.ts";
import { adoptedId, idOf, isAsAdopted } from "./adopted.ts";
import type { ResourceContext } from "./resource-context.ts";
import { submit, submitOnce, wasMadeBy } from "./resource-context.ts";
import type { ResourceAnswer, ResourceEvent } from "./resource-event.ts";
import { propertiesOf, ResourceError } from "./resource-event.ts";

const clusterProperties = z.object({
  clusterName: z.string({ error: "clusterName is the cluster's name" }),
  description: z.string().optional(),
  /** Settings by Kafka's names. */
  defaults: z.record(z.string(), z.string()).optional(),
  /** Of a deletion: topics that are left go with it. */
  force: z.enum(["true", "false"]).optional(),
  /** One that has the name already is this one, and keeps what the template does not name. */
  adopt: z.enum(["true", "false"]).optional(),
});

type ClusterProperties = z.infer<typeof clusterProperties>;

/** `Custom::MyelinCluster`; the physical id is the cluster's, with what adopted.ts adds. */
export async function clusterResource(
  context: ResourceContext,
  event: ResourceEvent,
): Promise<ResourceAnswer> {
  if (event.RequestType === "Delete") return remove(context, event);
  const properties = propertiesOf(clusterProperties, event.ResourceProperties);
  const physicalId = await put(context, event, properties);
  return { PhysicalResourceId: physicalId, Data: dataOf(context, idOf(physicalId)) };
}

async function put(
  context: ResourceContext,
  event: ResourceEvent,
  properties: ClusterProperties,
): Promise<string> {
  const { RequestId: requestId } = event;
  if (event.RequestType === "Update") {
    const clusterId = idOf(event.PhysicalResourceId);
    const updated = await update(context, { requestId, clusterId }, properties);
    return updated === clusterId ? event.PhysicalResourceId : updated;
  }
  const there =
    properties.adopt === "true" && !(await wasMadeBy(context, requestId))
      ? await clusterNamed(context, properties)
      : undefined;
  if (there === undefined) return create(context, requestId, properties);
  const clusterId = await update(context, { requestId, clusterId: there.clusterId }, properties);
  return clusterId === there.clusterId ? adoptedId(clusterId, event.ResourceProperties) : clusterId;
}

async function clusterNamed(
  { replica }: ResourceContext,
  { clusterName }: ClusterProperties,
): Promise<Cluster | undefined> {
  await replica.readToHead();
  return replica.image.clustersByName.get(clusterName);
}

function create(
  context: ResourceContext,
  requestId: string,
  properties: ClusterProperties,
): Promise<string> {
  const { clusterName: name, description = "", defaults = {} } = properties;
  return submitOnce(
    context,
    { id: requestId, properties, idOf: ({ clusterId }: Cluster) => clusterId },
    (image, at) => createCluster(image, { name, description, defaults }, at),
  );
}

async function update(
  context: ResourceContext,
  { requestId, clusterId }: { requestId: string; clusterId: string },
  properties: ClusterProperties,
): Promise<string> {
  const { clusterName: name } = properties;
  const updated = await submit(context, (image, at) => {
    const settings = settingsOf(properties, image.clusters.get(clusterId));
    return updateCluster(image, { clusterId, name, ...settings }, at);
  });
  if (updated.kind === "accepted") return clusterId;
  // Deleted by somebody else: the template still wants it.
  if (updated.error === "CLUSTER_NOT_FOUND") return create(context, requestId, properties);
  throw new ResourceError(updated.message);
}

function settingsOf(
  { adopt, description, defaults }: ClusterProperties,
  there: Cluster | undefined,
): Pick<Cluster, "description" | "defaults"> {
  // Who has taken a cluster over does not know how it was set: its records may be kept by that.
  const kept = adopt === "true" ? there : undefined;
  return {
    description: description ?? kept?.description ?? "",
    defaults: { ...kept?.defaults, ...defaults },
  };
}

async function remove(
  context: ResourceContext,
  event: ResourceEvent & { RequestType: "Delete" },
): Promise<ResourceAnswer> {
  const { PhysicalResourceId: physicalId } = event;
  const answered = { PhysicalResourceId: physicalId };
  if (isAsAdopted(physicalId, event.ResourceProperties)) return answered;
  const clusterId = idOf(physicalId);
  const force = event.ResourceProperties["force"] === "true";
  const deleted = await submit(context, (image, at) =>
    deleteCluster(image, { clusterId, force }, at),
  );
  const isGone = deleted.kind === "accepted" || deleted.error === "CLUSTER_NOT_FOUND";
  if (!isGone) throw new ResourceError(deleted.message);
  return answered;
}

function dataOf(
  { replica: { image }, kafkaPort }: ResourceContext,
  clusterId: string,
): Record<string, string> {
  const cluster = image.clusters.get(clusterId);
  if (cluster === undefined) throw new ResourceError("the cluster was deleted meanwhile");
  const servers = bootstrapServers(image, cluster, {
    version: "",
    kafka: { host: "no-broker-yet.invalid", port: kafkaPort },
    httpEndpoint: null,
  });
  return {
    ClusterId: clusterId,
    KafkaPort: String(kafkaPort + cluster.portOffset),
    BootstrapServers: servers,
  };
}
