import { errorCodes } from "../../protocol/errors.ts";
import { listGroupsRequest, listGroupsResponse } from "../../protocol/messages/list-groups.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

/** All groups here run the classic protocol (KIP-848 names the types). */
const classicType = "classic";

// v4: states asked for and told (KIP-518). v5: types (KIP-848). Names of both are compared without case, as in Kafka; an empty filter takes all.
export const listGroups = kafkaApi(
  listGroupsRequest,
  listGroupsResponse,
  { versions: [0, 5] },
  (request, context: GroupRequestContext) => {
    const { error, groups } = context.services.groups.listGroups(context.clusterId);
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase()));
    const types = new Set(request.typesFilter.map((type) => type.toLowerCase()));
    const isWanted = (state: string) =>
      (states.size === 0 || states.has(state.toLowerCase())) &&
      (types.size === 0 || types.has(classicType));
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes[error],
      groups: groups
        .filter(({ state }) => isWanted(state))
        .map(({ groupId, protocolType, state }) => ({
          groupId,
          protocolType,
          groupState: state,
          groupType: classicType,
        })),
    };
  },
);
