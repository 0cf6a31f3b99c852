import { expect, test } from "vitest";
import { deleteGroups } from "../../../../broker/handlers/delete-groups.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  deleteGroupsRequest,
  deleteGroupsResponse,
} from "../../../../protocol/messages/delete-groups.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

test.each(versionsOf(deleteGroups))(
  "version %i deletes the empty, refuses the used and misses the absent",
  async (version) => {
    const api = await createGroupApi();
    const verbs = groupVerbs(api);
    await verbs.settleMember();
    await verbs.commit(9, 1, { groupId: "tool" });
    const messages = { request: deleteGroupsRequest, response: deleteGroupsResponse };
    const { results } = await api.call(deleteGroups, messages, version, {
      groupsNames: ["tool", "billing", "nobody", "tool"],
    });
    expect(results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ["tool", errorCodes.NONE],
      ["billing", errorCodes.NON_EMPTY_GROUP],
      ["nobody", errorCodes.GROUP_ID_NOT_FOUND],
    ]);
    expect(results.map(({ errorMessage }) => typeof errorMessage)).toEqual(
      version >= 3 ? ["object", "string", "string"] : ["object", "object", "object"],
    );
    expect((await verbs.fetch(5, null, "tool")).topics).toEqual([]);
  },
);
