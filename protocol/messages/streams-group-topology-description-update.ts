import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int8, optional, string, struct } from "../schema/types.ts";

const topologyDescriptionNode = struct({
  name: string,
  nodeType: int8,
  sourceTopics: array(string),
  sinkTopic: optional(string),
  stores: array(string),
  successors: array(string),
});

const topologyDescriptionSubtopology = struct({
  subtopologyId: string,
  nodes: array(topologyDescriptionNode),
});

const topologyDescriptionGlobalStore = struct({
  source: topologyDescriptionNode,
  processor: topologyDescriptionNode,
});

const topologyDescription = struct({
  subtopologies: array(topologyDescriptionSubtopology),
  globalStores: array(topologyDescriptionGlobalStore),
});

// KIP-1331.
export const streamsGroupTopologyDescriptionUpdateRequest = request(
  93,
  { versions: [0, 0], flexible: 0 },
  {
    groupId: string,
    memberId: string,
    topologyEpoch: int32,
    topologyDescription: topologyDescription,
  },
);
export type StreamsGroupTopologyDescriptionUpdateRequest = Infer<
  typeof streamsGroupTopologyDescriptionUpdateRequest
>;

export const streamsGroupTopologyDescriptionUpdateResponse = response(
  93,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
  },
);
export type StreamsGroupTopologyDescriptionUpdateResponse = Infer<
  typeof streamsGroupTopologyDescriptionUpdateResponse
>;
