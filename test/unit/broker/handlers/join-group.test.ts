import { expect, test } from "vitest";
import { joinGroup } from "../../../../broker/handlers/join-group.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

test.each(versionsOf(joinGroup))("a member joins with version %i", async (version) => {
  const api = await createGroupApi();
  const { join } = groupVerbs(api);
  let reply = await join(version);
  if (version >= 4) {
    expect(reply).toMatchObject({ errorCode: errorCodes.MEMBER_ID_REQUIRED, generationId: -1 });
    expect(reply.memberId).toMatch(/^client-/);
    reply = await join(version, { memberId: reply.memberId });
  }
  expect(reply).toMatchObject({
    errorCode: errorCodes.NONE,
    generationId: 1,
    protocolName: "range",
    protocolType: version >= 7 ? "consumer" : null,
    leader: reply.memberId,
    skipAssignment: false,
  });
  expect(reply.members).toHaveLength(1);
  expect(Buffer.from(reply.members[0]?.metadata ?? []).toString("latin1")).toContain("orders");
});

test.each(versionsOf(joinGroup))("an error of version %i names no protocol", async (version) => {
  const api = await createGroupApi();
  const reply = await groupVerbs(api).join(version, { memberId: "ghost" });
  expect(reply).toMatchObject({
    errorCode: errorCodes.UNKNOWN_MEMBER_ID,
    memberId: "ghost",
    protocolName: version >= 7 ? null : "",
  });
});

test.each(versionsOf(joinGroup).filter((version) => version >= 5))(
  "a static member of version %i joins directly, and the restarted leader of v9 skips the assignment",
  async (version) => {
    const api = await createGroupApi();
    const { join, sync } = groupVerbs(api);
    const first = await join(version, { groupInstanceId: "a" });
    expect(first).toMatchObject({
      errorCode: errorCodes.NONE,
      members: [{ groupInstanceId: "a" }],
    });
    await sync(2, first.memberId);
    const restarted = await join(version, { groupInstanceId: "a" });
    expect(restarted).toMatchObject({
      errorCode: errorCodes.NONE,
      generationId: 1,
      skipAssignment: version >= 9,
    });
    expect(restarted.leader === restarted.memberId).toBe(version >= 9);
  },
);

test("in version 0 the session timeout is the rebalance timeout", async () => {
  const api = await createGroupApi();
  const { join, sync } = groupVerbs(api);
  const first = await join(0);
  await sync(0, first.memberId);
  const second = join(0);
  await api.cell.clock.advance(10_000);
  expect((await second).generationId).toBe(2);
});
