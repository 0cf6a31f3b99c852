import { expect, test } from "vitest";
import { describeGroups } from "../../../../broker/handlers/describe-groups.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  describeGroupsRequest,
  describeGroupsResponse,
} from "../../../../protocol/messages/describe-groups.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import type { GroupApi } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

function describe(
  api: GroupApi,
  version: number,
  groups: string[],
  includeAuthorizedOperations = false,
) {
  return api.call(
    describeGroups,
    { request: describeGroupsRequest, response: describeGroupsResponse },
    version,
    {
      groups,
      includeAuthorizedOperations,
    },
  );
}

test.each(versionsOf(describeGroups))(
  "version %i describes a stable group and an absent one",
  async (version) => {
    const api = await createGroupApi();
    const memberId = await groupVerbs(api).settleMember();
    const { groups } = await describe(api, version, ["billing", "nobody"]);
    expect(groups[0]).toMatchObject({
      errorCode: errorCodes.NONE,
      groupId: "billing",
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: [{ memberId, clientId: "client", clientHost: "/127.0.0.1", groupInstanceId: null }],
      authorizedOperations: -2147483648,
    });
    expect(Buffer.from(groups[0]?.members[0]?.memberAssignment ?? []).toString()).toBe("all of it");
    expect(groups[1]).toMatchObject(
      version >= 6
        ? {
            errorCode: errorCodes.GROUP_ID_NOT_FOUND,
            errorMessage: "Group nobody not found.",
            groupState: "Dead",
            members: [],
          }
        : { errorCode: errorCodes.NONE, groupState: "Dead", members: [] },
    );
  },
);

test("a rebalancing group shows its members, but not what they want or have", async () => {
  const api = await createGroupApi();
  const verbs = groupVerbs(api);
  await verbs.settleMember();
  void verbs.join(3);
  const { groups } = await describe(api, 5, ["billing"]);
  expect(groups[0]).toMatchObject({ groupState: "PreparingRebalance", protocolData: "" });
  expect(groups[0]?.members).toHaveLength(2);
  expect(
    groups[0]?.members.every(
      ({ memberMetadata, memberAssignment }) =>
        memberMetadata.byteLength + memberAssignment.byteLength === 0,
    ),
  ).toBe(true);
});

test("the operations are told to those who ask", async () => {
  const api = await createGroupApi();
  const { groups } = await describe(api, 3, ["nobody"], true);
  expect(groups[0]?.authorizedOperations).toBe(3400);
});

test("a group named many times is described once", async () => {
  const api = await createGroupApi();
  await groupVerbs(api).settleMember();
  const { groups } = await describe(api, 6, ["billing", "nobody", "billing", "billing"]);
  expect(groups.map(({ groupId }) => groupId)).toEqual(["billing", "nobody"]);
});
