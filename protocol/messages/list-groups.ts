import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, since, string } from "../schema/types.ts";

// v1: throttle time. v3: flexible. v4: filter by state (KIP-518). v5: filter by type (KIP-848).
export const listGroupsRequest = request(
  16,
  { versions: [0, 5], flexible: 3 },
  {
    statesFilter: since(4, array(string)),
    typesFilter: since(5, array(string)),
  },
);
export type ListGroupsRequest = Infer<typeof listGroupsRequest>;

export const listGroupsResponse = response(
  16,
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: since(4, string),
      groupType: since(5, string),
    }),
  },
);
export type ListGroupsResponse = Infer<typeof listGroupsResponse>;
