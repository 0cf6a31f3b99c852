import { expect, test } from "vitest";
import { listGroups } from "../../../../broker/handlers/list-groups.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  listGroupsRequest,
  listGroupsResponse,
} from "../../../../protocol/messages/list-groups.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

async function createListing() {
  const api = await createGroupApi();
  const verbs = groupVerbs(api);
  await verbs.settleMember();
  await verbs.commit(9, 1, { groupId: "tool" });
  const messages = { request: listGroupsRequest, response: listGroupsResponse };
  const list = (
    version: number,
    more: { statesFilter?: string[]; typesFilter?: string[] } = {},
    clusterId = "alpha",
  ) => api.call(listGroups, messages, { version, clusterId }, more);
  const names = async (...given: Parameters<typeof list>) =>
    (await list(...given)).groups.map(({ groupId }) => groupId).sort();
  return { api, list, names };
}

test.each(versionsOf(listGroups))("version %i lists the cluster's groups", async (version) => {
  const { list, names } = await createListing();
  const { groups, errorCode } = await list(version);
  expect(errorCode).toBe(errorCodes.NONE);
  expect(groups.sort((left, right) => (left.groupId < right.groupId ? -1 : 1))).toEqual([
    {
      groupId: "billing",
      protocolType: "consumer",
      groupState: version >= 4 ? "Stable" : "",
      groupType: version >= 5 ? "classic" : "",
    },
    {
      groupId: "tool",
      protocolType: "",
      groupState: version >= 4 ? "Empty" : "",
      groupType: version >= 5 ? "classic" : "",
    },
  ]);
  expect(await names(version, {}, "beta")).toEqual([]);
});

test("states and types are filtered without regard to case", async () => {
  const { names } = await createListing();
  expect(await names(4, { statesFilter: ["sTable"] })).toEqual(["billing"]);
  expect(await names(5, { statesFilter: ["Empty", "Dead"], typesFilter: ["Classic"] })).toEqual([
    "tool",
  ]);
  expect(await names(5, { typesFilter: ["share"] })).toEqual([]);
});

test("a list that may lack groups says so", async () => {
  const { api, list } = await createListing();
  const [log] = api.cell.logs;
  if (log !== undefined) api.cell.groups.lead(0, log);
  expect(await list(5)).toMatchObject({
    errorCode: errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
    groups: [],
  });
});
