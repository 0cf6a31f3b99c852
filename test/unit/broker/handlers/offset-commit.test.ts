import { expect, test } from "vitest";
import { offsetCommit } from "../../../../broker/handlers/offset-commit.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import { createGroupApi, ordersId, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

const errorOf = (reply: { topics: { partitions: { errorCode: number }[] }[] }) =>
  reply.topics[0]?.partitions[0]?.errorCode;

test.each(versionsOf(offsetCommit))(
  "version %i commits an offset that is fetched again",
  async (version) => {
    const api = await createGroupApi();
    const verbs = groupVerbs(api);
    const reply = await verbs.commit(version, 42);
    expect(reply.topics).toEqual([
      {
        name: version < 10 ? "orders" : "",
        topicId: version < 10 ? zeroUuid : ordersId,
        partitions: [{ partitionIndex: 0, errorCode: errorCodes.NONE }],
      },
    ]);
    const fetched = await verbs.fetch(5, [{ topic: "orders", partitions: [0] }]);
    expect(fetched.topics[0]?.partitions).toEqual([
      {
        partitionIndex: 0,
        committedOffset: 42,
        committedLeaderEpoch: version >= 6 ? 5 : -1,
        metadata: "note",
        errorCode: 0,
      },
    ]);
  },
);

test.each(versionsOf(offsetCommit))(
  "version %i says which topics and partitions are unknown, after a look at the log's head",
  async (version) => {
    const api = await createGroupApi();
    const { commit } = groupVerbs(api);
    const unknown = await commit(version, 1, {
      name: "nothing",
      topicId: "CCCCCCCCCCCCCCCCCCCCCA",
    });
    expect(errorOf(unknown)).toBe(
      version < 10 ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCodes.UNKNOWN_TOPIC_ID,
    );
    expect(api.lookupCount()).toBe(1);
    expect(errorOf(await commit(version, 1, { partitionIndex: 3 }))).toBe(
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    );
    expect(errorOf(await commit(version, 1, { partitionIndex: -1 }))).toBe(
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    );
  },
);

test("another cluster's topic id is unknown", async () => {
  const { commit } = groupVerbs(await createGroupApi());
  expect(errorOf(await commit(10, 1, { topicId: "AAAAAAAAAAAAAAAAAAAAAw" }))).toBe(
    errorCodes.UNKNOWN_TOPIC_ID,
  );
});

test.each(versionsOf(offsetCommit).filter((version) => version >= 1))(
  "version %i of a member of no group is refused",
  async (version) => {
    const { commit } = groupVerbs(await createGroupApi());
    const reply = await commit(version, 1, { memberId: "m", generationIdOrMemberEpoch: 4 });
    expect(errorOf(reply)).toBe(
      version >= 9 ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION,
    );
  },
);

test("errors stay with their partitions", async () => {
  const api = await createGroupApi();
  const { commit } = groupVerbs(api);
  expect(errorOf(await commit(9, 1, { metadata: "x".repeat(4_097) }))).toBe(
    errorCodes.OFFSET_METADATA_TOO_LARGE,
  );
  expect(errorOf(await commit(9, 1, { metadata: null }))).toBe(errorCodes.NONE);
});
