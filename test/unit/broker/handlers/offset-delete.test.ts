import { expect, test } from "vitest";
import { offsetDelete } from "../../../../broker/handlers/offset-delete.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  offsetDeleteRequest,
  offsetDeleteResponse,
} from "../../../../protocol/messages/offset-delete.ts";
import { createGroupApi } from "./group-api-harness.ts";
import type { GroupApi } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

function remove(api: GroupApi, topics: string[], groupId = "billing") {
  return api.call(
    offsetDelete,
    { request: offsetDeleteRequest, response: offsetDeleteResponse },
    0,
    {
      groupId,
      topics: topics.map((name) => ({
        name,
        partitions: [{ partitionIndex: 0 }, { partitionIndex: 77 }],
      })),
    },
  );
}

test("offsets are deleted partition by partition, unknown ones say so", async () => {
  const api = await createGroupApi();
  const verbs = groupVerbs(api);
  await verbs.commit(9, 42);
  const reply = await remove(api, ["orders", "nothing"]);
  expect(reply.errorCode).toBe(errorCodes.NONE);
  expect(reply.topics).toEqual([
    {
      name: "orders",
      partitions: [
        { partitionIndex: 0, errorCode: 0 },
        { partitionIndex: 77, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
      ],
    },
    {
      name: "nothing",
      partitions: [
        { partitionIndex: 0, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
        { partitionIndex: 77, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
      ],
    },
  ]);
  expect((await verbs.fetch(5, null)).topics).toEqual([]);
});

test("topics in use keep their offsets", async () => {
  const api = await createGroupApi();
  await groupVerbs(api).settleMember();
  const reply = await remove(api, ["orders"]);
  expect(reply.topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.GROUP_SUBSCRIBED_TO_TOPIC);
});

test("a group that is not there is one error for all", async () => {
  expect(await remove(await createGroupApi(), ["orders"], "nobody")).toMatchObject({
    errorCode: errorCodes.GROUP_ID_NOT_FOUND,
    topics: [],
  });
});
