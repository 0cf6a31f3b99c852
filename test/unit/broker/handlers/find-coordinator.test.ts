import { expect, test } from "vitest";
import { findCoordinator } from "../../../../broker/handlers/find-coordinator.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../../protocol/messages/find-coordinator.ts";
import { createGroupApi, versionsOf } from "./group-api-harness.ts";
import type { GroupApi } from "./group-api-harness.ts";

async function find(
  api: GroupApi,
  version: number,
  keys: string[],
  more: { keyType?: number; clusterId?: string } = {},
) {
  const { keyType = 0, clusterId = "alpha" } = more;
  const messages = { request: findCoordinatorRequest, response: findCoordinatorResponse };
  const body = { key: keys[0] ?? "", keyType, coordinatorKeys: keys };
  const reply = await api.call(findCoordinator, messages, { version, clusterId }, body);
  return version >= 4 ? reply.coordinators : [{ ...reply, key: keys[0] ?? "" }];
}

test.each(versionsOf(findCoordinator))(
  "version %i finds the leader of the group's partition, at the cluster's port",
  async (version) => {
    const api = await createGroupApi();
    const keys = version >= 4 ? ["billing", "other"] : ["billing"];
    const found = await find(api, version, keys);
    expect(
      found.map(({ key, errorCode, nodeId, host, port }) => ({
        key,
        errorCode,
        nodeId,
        host,
        port,
      })),
    ).toEqual(
      keys.map((key) => ({
        key,
        errorCode: errorCodes.NONE,
        nodeId: 1,
        host: "broker-1.example",
        port: 9092,
      })),
    );
    const inBeta = await find(api, version, ["billing"], { clusterId: "beta" });
    expect(inBeta[0]?.port).toBe(9192);
  },
);

test.each(versionsOf(findCoordinator))(
  "version %i makes the internal topic on first need, once",
  async (version) => {
    const api = await createGroupApi({ hasGroupTopic: false });
    expect((await find(api, version, ["billing"]))[0]?.errorCode).toBe(errorCodes.NONE);
    await find(api, version, ["billing"]);
    expect(api.submittedCount()).toBe(1);
  },
);

test.each(versionsOf(findCoordinator).filter((version) => version >= 1))(
  "version %i tells transactional producers at once that there are no transactions",
  async (version) => {
    const api = await createGroupApi({ hasGroupTopic: false });
    const [found] = await find(api, version, ["tx"], { keyType: 1 });
    expect(found).toMatchObject({
      errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      nodeId: -1,
    });
    expect(found?.errorMessage).toContain("Transactions");
    expect(api.submittedCount()).toBe(0);
  },
);

test("share groups and key types nobody knows are invalid", async () => {
  const api = await createGroupApi();
  for (const keyType of [2, 77])
    expect((await find(api, 6, ["x"], { keyType }))[0]?.errorCode).toBe(errorCodes.INVALID_REQUEST);
});
