import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, optional, since, string } from "../schema/types.ts";

// v2: flexible. v3: an error message for each group.
export const deleteGroupsRequest = request(
  42,
  { versions: [0, 3], flexible: 2 },
  { groupsNames: array(string) },
);
export type DeleteGroupsRequest = Infer<typeof deleteGroupsRequest>;

export const deleteGroupsResponse = response(
  42,
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32,
    results: array({
      groupId: string,
      errorCode: int16,
      errorMessage: since(3, optional(string)),
    }),
  },
);
export type DeleteGroupsResponse = Infer<typeof deleteGroupsResponse>;
