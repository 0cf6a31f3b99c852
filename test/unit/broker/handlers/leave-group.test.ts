import { expect, test } from "vitest";
import { leaveGroup } from "../../../../broker/handlers/leave-group.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  leaveGroupRequest,
  leaveGroupResponse,
} from "../../../../protocol/messages/leave-group.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import type { GroupApi } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

function leave(api: GroupApi, version: number, memberId: string, groupId = "billing") {
  const messages = { request: leaveGroupRequest, response: leaveGroupResponse };
  return api.call(leaveGroup, messages, version, { groupId, memberId, members: [{ memberId }] });
}

test.each(versionsOf(leaveGroup))(
  "version %i leaves, and says so of unknown members",
  async (version) => {
    const api = await createGroupApi();
    const memberId = await groupVerbs(api).settleMember();
    const unknown = await leave(api, version, "ghost");
    const left = await leave(api, version, memberId);
    if (version < 3) {
      expect(unknown.errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID);
      expect(left.errorCode).toBe(errorCodes.NONE);
    } else {
      expect(unknown).toMatchObject({
        errorCode: errorCodes.NONE,
        members: [
          { memberId: "ghost", groupInstanceId: null, errorCode: errorCodes.UNKNOWN_MEMBER_ID },
        ],
      });
      expect(left).toMatchObject({
        errorCode: errorCodes.NONE,
        members: [{ memberId, errorCode: errorCodes.NONE }],
      });
    }
    const { group } = await api.cell.groups.describeGroup("alpha", "billing");
    expect(group?.state).toBe("Empty");
  },
);

test.each(versionsOf(leaveGroup))(
  "version %i cannot leave a group that is not there",
  async (version) => {
    const reply = await leave(await createGroupApi(), version, "m", "nobody");
    const error = version < 3 ? reply.errorCode : reply.members[0]?.errorCode;
    expect(error).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  },
);

test.each(versionsOf(leaveGroup))("version %i needs a group id", async (version) => {
  expect((await leave(await createGroupApi(), version, "m", "")).errorCode).toBe(
    errorCodes.INVALID_GROUP_ID,
  );
});
