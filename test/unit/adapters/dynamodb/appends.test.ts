import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import type { DynamoClient } from "../../../../adapters/dynamodb/calls.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";
import { cancelled, serviceError } from "../../../support/simulated-dynamo-table.ts";
import type { Mishap } from "../../../support/simulated-dynamo.ts";
import { bytesOf, dynamoWorld } from "./dynamo-world.ts";
import type { DynamoWorld } from "./dynamo-world.ts";

const unavailable = { name: "MetadataLogError", code: "unavailable" };
const lost = (isSilent: boolean): Mishap => ({ kind: "lost", isSilent });
const answerLost = (isSilent: boolean): Mishap => ({ kind: "answerLost", isSilent });
const failing = (name: string, status = 400): Mishap => ({
  kind: "error",
  error: serviceError(name, status),
});
const cancelledFor = (...codes: string[]): Mishap => ({
  kind: "error",
  error: cancelled(codes.map((Code) => ({ Code }))),
});
const always = (mishap: Mishap, count = 1_000): Mishap[] =>
  Array.from({ length: count }, () => mishap);

/** DynamoDB's memory for requests lasts ten minutes; here it has none. Gives the tokens as they came. */
function forgetTokens({ dynamo }: DynamoWorld): (string | undefined)[] {
  const { execute } = dynamo.table;
  const tokens: (string | undefined)[] = [];
  dynamo.table.execute = (command) => {
    if (!(command instanceof TransactWriteItemsCommand)) return execute(command);
    const { ClientRequestToken, ...input } = command.input;
    tokens.push(ClientRequestToken);
    return execute(new TransactWriteItemsCommand(input));
  };
  return tokens;
}

/** Loses the answer of the writer's first transaction, and throttles all it writes afterwards. */
function heardOnceOnly({ dynamo }: DynamoWorld): DynamoClient {
  const healthy = dynamo.client();
  const throttled = dynamo.client({ throttled: 1 });
  let isFirst = true;
  const send = (command: object, options: object): Promise<unknown> => {
    const isWrite = command instanceof TransactWriteItemsCommand;
    const through = isWrite && !isFirst ? throttled : healthy;
    if (isWrite && isFirst) dynamo.script.push(answerLost(true));
    if (isWrite) isFirst = false;
    return through.send(command as never, options as never);
  };
  return { send: send as DynamoClient["send"] };
}

describe("an append", () => {
  test.each<[string, Mishap]>([
    ["for its rate", failing("ProvisionedThroughputExceededException")],
    ["for the account's rate", failing("RequestLimitExceeded")],
    ["by a throttle", failing("ThrottlingException")],
    ["with one action throttled", cancelledFor("None", "ThrottlingError")],
    ["with one action over its rate", cancelledFor("ProvisionedThroughputExceeded", "None")],
    ["by another transaction", cancelledFor("TransactionConflict", "None")],
    ["while its first attempt is under way", failing("TransactionInProgressException")],
    ["for credentials that have run out", failing("ExpiredTokenException")],
  ])("that is refused %s is tried again", async (_name, mishap) => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    world.dynamo.script.push(mishap, mishap, mishap);
    expect(await world.during(log.append(3, bytesOf("3")))).toBe("accepted");
    expect(world.dynamo.sent.get("TransactWriteItems")).toBe(4);
  });

  test.each<[string, Mishap]>([
    ["throttled", failing("ThrottlingException")],
    ["in another transaction's way", cancelledFor("None", "TransactionConflict")],
    ["lost", lost(true)],
    ["failing", failing("InternalServerError", 500)],
  ])(
    "that is %s for ever is unavailable, after a bounded number of attempts in a bounded time",
    async (_name, mishap) => {
      const world = dynamoWorld();
      const log = await world.filled(2);
      world.dynamo.script.push(...always(mishap));
      const beganMs = world.clock.monotonicMs();
      await expect(world.during(log.append(3, bytesOf("3")))).rejects.toMatchObject(unavailable);
      // Twice the limit of a call: the append's, and that of the look at what became of it.
      expect(world.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(12_000);
      expect(world.dynamo.sent.get("TransactWriteItems")).toBeLessThan(60);
      world.dynamo.script.length = 0;
      expect(await world.during(log.append(3, bytesOf("again")))).toBe("accepted");
    },
  );

  test.each(["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])(
    "that meets %s is unavailable at once: trying again changes nothing",
    async (name) => {
      const world = dynamoWorld();
      const log = await world.filled(2);
      world.dynamo.script.push(failing(name));
      await expect(world.during(log.append(3, bytesOf("3")))).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringContaining(name),
      });
      expect(world.dynamo.sent).toEqual(new Map([["TransactWriteItems", 1]]));
    },
  );

  test("waits at random between attempts, so that two who met do not meet again", async () => {
    const tries = async (seed: number) => {
      const world = dynamoWorld({ seed, latencyMs: 0 });
      const log = await world.filled(2);
      const beganMs = world.clock.monotonicMs();
      world.dynamo.script.push(...always(failing("ThrottlingException"), 6));
      await world.during(log.append(3, bytesOf("3")));
      return world.clock.monotonicMs() - beganMs;
    };
    const waits = await Promise.all([1, 2, 3, 4].map(tries));
    expect(new Set(waits).size).toBe(4);
  });

  test.each<[string, Mishap]>([
    ["in silence", answerLost(true)],
    ["with the connection", answerLost(false)],
    ["twice over", { kind: "twice" }],
  ])("that succeeded, its answer lost %s, is accepted, and there once", async (_name, mishap) => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    world.dynamo.script.push(mishap);
    expect(await world.during(log.append(3, bytesOf("mine")))).toBe("accepted");
    expect(world.stored()).toEqual([
      [1, "1"],
      [2, "2"],
      [3, "mine"],
    ]);
  });

  test("that succeeded longer ago than DynamoDB remembers requests knows its own entry", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const tokens = forgetTokens(world);
    world.dynamo.script.push(answerLost(true));
    expect(await world.during(log.append(3, bytesOf("mine")))).toBe("accepted");
    expect(tokens).toHaveLength(2);
  });

  test("carries one token in all its attempts, and no other append has it", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const tokens = forgetTokens(world);
    world.dynamo.script.push(answerLost(false));
    await world.during(log.append(3, bytesOf("same")));
    await world.during(log.append(3, bytesOf("same")));
    expect(tokens[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(tokens[1]).toBe(tokens[0]);
    expect(tokens[2]).not.toBe(tokens[0]);
  });

  test("whose token is said to be another request's goes by what the table holds", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const mismatch = failing("IdempotentParameterMismatchException");
    world.dynamo.script.push(answerLost(false), mismatch);
    expect(await world.during(log.append(3, bytesOf("mine")))).toBe("accepted");
    world.dynamo.script.push(mismatch);
    expect(await world.during(log.append(3, bytesOf("too late")))).toBe("conflict");
  });

  test("whose writes are throttled after one succeeded unheard looks the entry up", async () => {
    const world = dynamoWorld();
    await world.filled(2);
    const writer = world.open(undefined, { client: heardOnceOnly(world) });
    expect(await world.during(writer.append(3, bytesOf("mine")))).toBe("accepted");
    expect(world.dynamo.sent.get("GetItem")).toBe(1);
  });

  test("that never arrived is sent again", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    world.dynamo.script.push(lost(true), lost(false));
    expect(await world.during(log.append(3, bytesOf("3")))).toBe("accepted");
  });

  test("that is uncertain while another takes the place is a conflict", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const other = world.open();
    world.dynamo.script.push(lost(true));
    const uncertain = log.append(3, bytesOf("mine"));
    expect(await world.during(other.append(3, bytesOf("other's")))).toBe("accepted");
    expect(await world.during(uncertain)).toBe("conflict");
  });

  test("that is uncertain until the log is trimmed past it is unavailable, for it may have won", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const paused = world.open();
    const trimmed = (async () => {
      for (let revision = 3; revision <= 9; revision++) {
        await log.append(revision, bytesOf(String(revision)));
      }
      await log.trim(9);
    })();
    await world.during(trimmed);
    // The first attempt is said to have been lost; only the second is answered.
    world.dynamo.script.push(lost(false));
    await expect(world.during(paused.append(3, bytesOf("mine")))).rejects.toMatchObject(
      unavailable,
    );
    expect(await world.during(paused.append(3, bytesOf("mine")))).toBe("conflict");
  });

  test("that arrives after its caller has given up is there for the next look", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    world.dynamo.script.push({ kind: "late", delayMs: 30_000 }, ...always(lost(true), 30));
    await expect(world.during(log.append(3, bytesOf("late")))).rejects.toMatchObject(unavailable);
    world.dynamo.script.length = 0;
    expect(await world.during(log.read(3, 1))).toEqual([]);
    await world.settle();
    expect(await world.during(log.read(3, 1))).toEqual([{ revision: 3, entry: bytesOf("late") }]);
  });

  test("of too much is refused before anything is sent", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    const tooLarge = new Uint8Array(maxMetadataEntryBytes + 1);
    await expect(log.append(3, tooLarge)).rejects.toMatchObject({ code: "tooLarge" });
    expect(world.dynamo.sent.size).toBe(0);
  });

  test("costs one call, and so does one that conflicts", async () => {
    const world = dynamoWorld();
    const log = await world.filled(2);
    await world.during(log.append(3, bytesOf("3")));
    expect(world.dynamo.sent).toEqual(new Map([["TransactWriteItems", 1]]));
    expect(await world.during(log.append(3, bytesOf("again")))).toBe("conflict");
    expect(await world.during(log.append(9, bytesOf("hole")))).toBe("conflict");
    expect(world.dynamo.sent).toEqual(new Map([["TransactWriteItems", 3]]));
  });

  test("through a client that never settles is unavailable all the same", async () => {
    const world = dynamoWorld();
    await world.filled(2);
    const stuck = world.open(undefined, { client: { send: () => new Promise(() => undefined) } });
    await expect(world.during(stuck.append(3, bytesOf("3")))).rejects.toMatchObject(unavailable);
  });
});

describe("a genesis", () => {
  test.each<[string, Mishap]>([
    ["in silence", answerLost(true)],
    ["with the connection", answerLost(false)],
    ["twice over", { kind: "twice" }],
  ])("that succeeded, its answer lost %s, is accepted", async (_name, mishap) => {
    const world = dynamoWorld();
    world.dynamo.script.push(mishap);
    expect(await world.during(world.open().genesis(7, bytesOf("first")))).toBe("accepted");
    expect(world.stored()).toEqual([[7, "first"]]);
  });

  test("that is uncertain while another makes the log is a conflict, whatever its revision", async () => {
    const world = dynamoWorld();
    world.dynamo.script.push(lost(true));
    const uncertain = world.open().genesis(1, bytesOf("mine"));
    expect(await world.during(world.open().genesis(50, bytesOf("other's")))).toBe("accepted");
    expect(await world.during(uncertain)).toBe("conflict");
    expect(world.stored()).toEqual([[50, "other's"]]);
  });

  test("is known as its own even when the log has gone on and was trimmed", async () => {
    const world = dynamoWorld();
    forgetTokens(world);
    const first = world.open();
    world.dynamo.script.push(answerLost(true));
    const genesis = first.genesis(1, bytesOf("1"));
    const other = world.open();
    await world.clock.advance(100);
    const goneOn = (async () => {
      expect(await other.append(2, bytesOf("2"))).toBe("accepted");
      await other.trim(2);
    })();
    await world.during(goneOn);
    expect(await world.during(genesis)).toBe("accepted");
  });

  test("whose writes are throttled after it succeeded unheard looks the log's start up", async () => {
    const world = dynamoWorld();
    const writer = world.open(undefined, { client: heardOnceOnly(world) });
    const genesis = writer.genesis(1, bytesOf("mine"));
    await world.clock.advance(100);
    const other = world.open();
    const goneOn = (async () => {
      expect(await other.append(2, bytesOf("2"))).toBe("accepted");
      await other.trim(2);
    })();
    await world.during(goneOn);
    expect(await world.during(genesis)).toBe("accepted");
  });
});
