import { clusterResource } from "./cluster-resource.ts";
import type { ResourceContext } from "./resource-context.ts";
import type { ResourceAnswer } from "./resource-event.ts";
import { resourceEvent, ResourceError } from "./resource-event.ts";
import { topicResource } from "./topic-resource.ts";

/** Carries out one request of CloudFormation. Throws ResourceError for what the template must change, MetadataLogError. */
export async function carryOut(context: ResourceContext, event: unknown): Promise<ResourceAnswer> {
  const asked = resourceEvent.parse(event);
  switch (asked.ResourceType) {
    case "Custom::MyelinCluster":
      return clusterResource(context, asked);
    case "Custom::MyelinTopic":
      return topicResource(context, asked);
    default:
      throw new ResourceError(`there is no resource ${asked.ResourceType} here`);
  }
}
