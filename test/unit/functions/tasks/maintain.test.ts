import { expect, test } from "vitest";
import { maintain } from "../../../../functions/tasks/maintain.ts";
import { limits } from "../../../../metadata/limits.ts";
import { createApiFixture } from "../api-fixture.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

test("with no broker up the metadata log is archived, and old keys are dropped", async () => {
  const { replica, call, clock } = await createApiFixture();
  await call("POST /v1/clusters", { name: "shop" }, { "Idempotency-Key": "k" });
  expect(replica.image.idempotencyKeys.size).toBe(1);
  await clock.advance(limits.idempotencyRetentionMs + 1);
  const result = await maintain({ replica, log });
  expect(replica.image.idempotencyKeys.size).toBe(0);
  expect(result).toMatchObject({ kind: "maintained", archivedTo: replica.image.revision });
});

test("with a broker up it is left to the brokers", async () => {
  const { replica, registerBroker } = await createApiFixture();
  await registerBroker();
  expect(await maintain({ replica, log })).toEqual({ kind: "leftToBrokers" });
});

test("what another process appended is known before anything is decided", async () => {
  const { openOther, registerBroker } = await createApiFixture();
  const other = await openOther();
  await registerBroker();
  expect(await maintain({ replica: other, log })).toEqual({ kind: "leftToBrokers" });
});
