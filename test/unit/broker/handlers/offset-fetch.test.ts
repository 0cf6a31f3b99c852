import { expect, test } from "vitest";
import { offsetFetch } from "../../../../broker/handlers/offset-fetch.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "../../../../protocol/messages/offset-fetch.ts";
import { createGroupApi, ordersId, returnsId, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

const unset = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "", errorCode: 0 };

test.each(versionsOf(offsetFetch))(
  "version %i tells what was committed, and -1 without error for the rest",
  async (version) => {
    const verbs = groupVerbs(await createGroupApi());
    await verbs.commit(9, 42);
    const fetched = await verbs.fetch(version, [{ topic: "orders", partitions: [0, 1, 99] }]);
    expect(fetched.errorCode).toBe(0);
    expect(fetched.topics[0]?.partitions).toEqual([
      {
        partitionIndex: 0,
        committedOffset: 42,
        committedLeaderEpoch: version >= 5 ? 5 : -1,
        metadata: "note",
        errorCode: 0,
      },
      { partitionIndex: 1, ...unset },
      { partitionIndex: 99, ...unset },
    ]);
  },
);

test.each(versionsOf(offsetFetch))(
  "version %i asks for a group that is not there",
  async (version) => {
    const verbs = groupVerbs(await createGroupApi());
    const fetched = await verbs.fetch(version, [{ topic: "orders", partitions: [0] }], "nobody");
    expect(fetched.topics[0]?.partitions).toEqual([{ partitionIndex: 0, ...unset }]);
  },
);

test.each(versionsOf(offsetFetch).filter((version) => version >= 2))(
  "version %i asks for everything",
  async (version) => {
    const verbs = groupVerbs(await createGroupApi());
    await verbs.commit(9, 1, { partitionIndex: 2 });
    await verbs.commit(9, 2, { partitionIndex: 0 });
    await verbs.commit(9, 3, { name: "returns" });
    const { topics } = await verbs.fetch(version, null);
    expect(
      topics.map(({ partitions }) =>
        partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
      ),
    ).toEqual([
      [
        [0, 2],
        [2, 1],
      ],
      [[0, 3]],
    ]);
    if (version >= 10)
      expect(topics.map((each) => "topicId" in each && each.topicId)).toEqual([
        ordersId,
        returnsId,
      ]);
    else expect(topics.map(({ name }) => name)).toEqual(["orders", "returns"]);
    expect((await verbs.fetch(version, null, "nobody")).topics).toEqual([]);
  },
);

test("version 10 says which topic ids are unknown", async () => {
  const verbs = groupVerbs(await createGroupApi());
  const fetched = await verbs.fetch(10, [
    { topic: "", topicId: "CCCCCCCCCCCCCCCCCCCCCA", partitions: [0] },
  ]);
  expect(fetched.topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_ID);
});

test.each([8, 9, 10])("version %i asks for several groups at once", async (version) => {
  const api = await createGroupApi();
  const verbs = groupVerbs(api);
  await verbs.commit(9, 1, { groupId: "first" });
  await verbs.commit(9, 2, { groupId: "second" });
  const groups = ["first", "second", "none"].map((groupId) => ({ groupId, topics: null }));
  const reply = await api.call(
    offsetFetch,
    { request: offsetFetchRequest, response: offsetFetchResponse },
    version,
    { groups },
  );
  expect(
    reply.groups.map(({ groupId, topics }) => [groupId, topics[0]?.partitions[0]?.committedOffset]),
  ).toEqual([
    ["first", 1],
    ["second", 2],
    ["none", undefined],
  ]);
});

test.each(versionsOf(offsetFetch))(
  "version %i hears that the coordinator has moved",
  async (version) => {
    const api = await createGroupApi();
    await api.cell.groups.close();
    const fetched = await groupVerbs(api).fetch(version, [{ topic: "orders", partitions: [0] }]);
    const code = version < 2 ? fetched.topics[0]?.partitions[0]?.errorCode : fetched.errorCode;
    expect(code).toBe(errorCodes.NOT_COORDINATOR);
  },
);

test.each([8, 9, 10])(
  "version %i answers for a group once, however often it is named",
  async (version) => {
    const api = await createGroupApi();
    await groupVerbs(api).commit(9, 42);
    const asked = { groupId: "billing", topics: null };
    const { groups } = await api.call(
      offsetFetch,
      { request: offsetFetchRequest, response: offsetFetchResponse },
      version,
      { groups: [asked, asked, { ...asked, groupId: "other" }] },
    );
    expect(
      groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode, topics.length]),
    ).toEqual([
      ["billing", errorCodes.NONE, 1],
      ["billing", errorCodes.INVALID_REQUEST, 0],
      ["other", errorCodes.NONE, 0],
    ]);
  },
);
