import { expect, test } from "vitest";
import { heartbeat } from "../../../../broker/handlers/heartbeat.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import { groupVerbs } from "./group-verbs.ts";

test.each(versionsOf(heartbeat))(
  "version %i hears of health, of unknown members and of old generations",
  async (version) => {
    const api = await createGroupApi();
    const verbs = groupVerbs(api);
    const memberId = await verbs.settleMember();
    expect((await verbs.heartbeat(version, memberId)).errorCode).toBe(errorCodes.NONE);
    expect((await verbs.heartbeat(version, "ghost")).errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect((await verbs.heartbeat(version, memberId, 0)).errorCode).toBe(
      errorCodes.ILLEGAL_GENERATION,
    );
    void verbs.join(3);
    expect((await verbs.heartbeat(version, memberId)).errorCode).toBe(
      errorCodes.REBALANCE_IN_PROGRESS,
    );
  },
);
