import { expect, test } from "vitest";
import { syncGroup } from "../../../../broker/handlers/sync-group.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

test.each(versionsOf(syncGroup))("version %i gets the leader's assignment", async (version) => {
  const api = await createGroupApi();
  const { join, sync } = groupVerbs(api);
  const { memberId } = await join(3);
  const reply = await sync(version, memberId);
  expect(reply).toMatchObject({
    errorCode: errorCodes.NONE,
    protocolType: version >= 5 ? "consumer" : null,
    protocolName: version >= 5 ? "range" : null,
  });
  expect(Buffer.from(reply.assignment).toString()).toBe("all of it");
});

test.each(versionsOf(syncGroup))("version %i says when the generation is over", async (version) => {
  const api = await createGroupApi();
  const { sync, settleMember } = groupVerbs(api);
  const memberId = await settleMember();
  const reply = await sync(version, memberId, { generationId: 9 });
  expect(reply.errorCode).toBe(errorCodes.ILLEGAL_GENERATION);
  expect(reply.assignment.byteLength).toBe(0);
});

test("version 5 is refused when it believes in another protocol", async () => {
  const api = await createGroupApi();
  const { sync, settleMember } = groupVerbs(api);
  const memberId = await settleMember();
  expect((await sync(5, memberId, { protocolName: "sticky" })).errorCode).toBe(
    errorCodes.INCONSISTENT_GROUP_PROTOCOL,
  );
});
