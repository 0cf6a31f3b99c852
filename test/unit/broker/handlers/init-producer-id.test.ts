import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initProducerId } from "../../../../broker/handlers/init-producer-id.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from "../../../../protocol/messages/init-producer-id.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(initProducerId);

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
afterAll(() => broker.close());

const ask = (
  version: number,
  body: { transactionalId?: string | null; producerId?: number } = {},
) =>
  broker.call(initProducerIdRequest, initProducerIdResponse, version, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
    ...(version >= 3 ? { producerEpoch: body.producerId === undefined ? -1 : 0 } : {}),
    ...body,
  });

describe.each(versions)("in version %i", (version) => {
  test("each producer gets an id of its own and epoch 0", async () => {
    const answers = await Promise.all([ask(version), ask(version), ask(version)]);
    expect(new Set(answers.map(({ producerId }) => producerId)).size).toBe(3);
    for (const { errorCode, producerEpoch, producerId } of answers) {
      expect({ errorCode, producerEpoch }).toEqual({ errorCode: 0, producerEpoch: 0 });
      expect(producerId).toBeGreaterThanOrEqual(0);
    }
  });

  test("an empty transactional id is no id", async () => {
    expect(await ask(version, { transactionalId: "" })).toMatchObject({
      errorCode: errorCodes.INVALID_REQUEST,
      producerId: -1,
      producerEpoch: -1,
    });
  });

  test("a transactional producer is refused for good, until there are transactions", async () => {
    const { errorCode } = await ask(version, { transactionalId: "mine" });
    expect(errorCode).toBe(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  });
});

test.each(versions.slice(3))(
  "version %i gives a new id also to who names its own",
  async (version) => {
    const { producerId } = await ask(version);
    const again = await ask(version, { producerId });
    expect(again.errorCode).toBe(0);
    expect(again.producerId).not.toBe(producerId);
  },
);

test("ids are unique across blocks and restarts", async () => {
  const seen = new Set<number>();
  let asked = 0;
  const take = async (count: number) => {
    const answers = await Promise.all(Array.from({ length: count }, () => ask(5)));
    for (const { errorCode, producerId } of answers) {
      expect(errorCode).toBe(0);
      seen.add(producerId);
      asked++;
    }
  };
  await take(1_200);
  await broker.close();
  broker = await startMemoryBroker({ world: worldAfter(broker) });
  await take(10);
  broker = await startMemoryBroker({ world: broker.crash() });
  await take(10);
  expect(seen.size).toBe(asked);
});

test("while no block of ids can be had, producers are told to ask again", async () => {
  const other = await startMemoryBroker();
  for (let count = 0; count < 50; count++)
    other.world.metadata.failNext("read", { takesEffect: false });
  const answer = other.call(initProducerIdRequest, initProducerIdResponse, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1_000,
  });
  await other.clock.advance(120_000);
  expect((await answer).errorCode).toBe(errorCodes.COORDINATOR_LOAD_IN_PROGRESS);
  await other.close();
});
