import { Producer as KafkaProducer } from "@platformatic/kafka";
import { afterEach, expect, test } from "vitest";
import { Delivery } from "../../../sdk/src/client/delivery.ts";
import type { Batch } from "../../../sdk/src/client/produce-request.ts";
import type { Script, ScriptedBrokers } from "../../support/scripted-broker.ts";
import { startScriptedBrokers } from "../../support/scripted-broker.ts";

// Batches on their way to brokers that say what a script has them say, over real connections.

const topic = "orders";
const notLeader = 6;
const tooLarge = 10;
const outOfOrder = 45;
const duplicate = 46;

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

function scriptOf(leaders: number[]): Script {
  return { topic, leaders, react: () => 0, received: [] };
}

async function start(
  script: Script,
  { limitMs = 30_000, bootstrap }: { limitMs?: number; bootstrap?: number[] } = {},
): Promise<Delivery> {
  const brokers: ScriptedBrokers = await startScriptedBrokers(script, 3);
  const addresses = bootstrap?.map((at) => brokers.addresses[at]!) ?? brokers.addresses;
  const bootstrapServers = addresses.map(({ host, port }) => `${host}:${port}`).join(",");
  const client = new KafkaProducer({
    clientId: "test",
    bootstrapBrokers: bootstrapServers.split(","),
    retries: 0,
  });
  open.push(brokers, { [Symbol.asyncDispose]: () => client.close(true) });
  return new Delivery({ client, bootstrapServers, compression: "none", limitMs });
}

function batch(partition: number, ...values: string[]): Batch {
  const messages = values.map((value) => ({ topic, partition, value: Buffer.from(value) }));
  return { topic, partition, messages };
}

test("each batch goes to its partition's leader, one request for each of them", async () => {
  const script = scriptOf([1, 2, 1]);
  const delivery = await start(script);
  const outcomes = await delivery.deliver([batch(0, "a", "b"), batch(1, "c"), batch(2, "d")]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["written", "written", "written"]);
  expect(script.received.map(({ nodeId, partition, count }) => [nodeId, partition, count])).toEqual(
    expect.arrayContaining([
      [1, 0, 2],
      [1, 2, 1],
      [2, 1, 1],
    ]),
  );
});

test("sequence numbers go on from one delivery to the next, in each partition by itself", async () => {
  const script = scriptOf([1, 1]);
  const delivery = await start(script);
  await delivery.deliver([batch(0, "a", "b")]);
  await delivery.deliver([batch(0, "c"), batch(1, "d")]);
  const sequences = script.received.map(({ partition, sequence }) => [partition, sequence]);
  expect(sequences).toEqual([
    [0, 0],
    [0, 2],
    [1, 0],
  ]);
  expect(new Set(script.received.map(({ producerId }) => producerId)).size).toBe(1);
});

test("batches whose leaders part ways each find their own, and keep their sequence numbers", async () => {
  const script = scriptOf([1, 1, 1]);
  const delivery = await start(script);
  await delivery.deliver([0, 1, 2].map((partition) => batch(partition, "first")));
  script.received.length = 0;
  script.react = ({ nodeId, partition }) => {
    if (nodeId === script.leaders[partition]) return 0;
    return notLeader;
  };
  script.leaders.splice(0, 3, 2, 3, 1);
  const outcomes = await delivery.deliver([0, 1, 2].map((partition) => batch(partition, "again")));
  expect(outcomes.map(({ kind }) => kind)).toEqual(["written", "written", "written"]);
  const taken = script.received.filter(({ nodeId, partition }) => {
    return nodeId === script.leaders[partition];
  });
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 1, 1]);
});

test("after a lost connection a batch is sent again as it was", async () => {
  const script = scriptOf([1]);
  const delivery = await start(script);
  let hangUps = 2;
  script.react = () => (hangUps-- > 0 ? "hangUp" : 0);
  expect(await delivery.deliver([batch(0, "a", "b")])).toMatchObject([{ kind: "written" }]);
  expect(script.received).toHaveLength(3);
  const [first] = script.received;
  for (const each of script.received) expect(each).toEqual(first);
});

test("a partition without a leader is waited for, and its neighbours are not held up", async () => {
  const script = scriptOf([-1, 2]);
  const delivery = await start(script);
  script.react = ({ partition }) => {
    // The neighbour arrived though nobody leads the first.
    if (partition === 1) script.leaders[0] = 3;
    return 0;
  };
  const outcomes = await delivery.deliver([batch(0, "a"), batch(1, "b")]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["written", "written"]);
  expect(script.received.map(({ nodeId }) => nodeId)).toEqual([2, 3]);
});

test("a leader that says nothing is not waited for once another leads", async () => {
  const script = scriptOf([1]);
  const delivery = await start(script);
  script.react = ({ nodeId }) => {
    if (nodeId !== 1) return 0;
    script.leaders[0] = 2;
    return "silence";
  };
  expect(await delivery.deliver([batch(0, "a")])).toMatchObject([{ kind: "written" }]);
  expect(script.received.map(({ nodeId, sequence }) => [nodeId, sequence])).toEqual([
    [1, 0],
    [2, 0],
  ]);
});

test("what a broker has already counts as written", async () => {
  const script = scriptOf([1]);
  const delivery = await start(script);
  script.react = () => duplicate;
  expect(await delivery.deliver([batch(0, "a")])).toEqual([{ kind: "written", offset: -1 }]);
});

test("what is refused fails alone, and what comes next comes from another producer", async () => {
  const script = scriptOf([1, 1]);
  const delivery = await start(script);
  script.react = ({ partition }) => (partition === 1 ? tooLarge : 0);
  const outcomes = await delivery.deliver([batch(0, "a"), batch(1, "b")]);
  expect(outcomes).toMatchObject([
    { kind: "written" },
    { kind: "failed", error: { code: "MESSAGE_TOO_LARGE", retriable: false } },
  ]);
  await delivery.deliver([batch(0, "c")]);
  const [first, , next] = script.received;
  expect(next).toMatchObject({ partition: 0, sequence: 0 });
  expect(next?.producerId).not.toBe(first?.producerId);
});

test("a broker that has forgotten the producer takes the batch from another one", async () => {
  const script = scriptOf([1]);
  const delivery = await start(script);
  await delivery.deliver([batch(0, "a")]);
  const forgotten = script.received[0]?.producerId;
  script.react = ({ producerId }) => (producerId === forgotten ? outOfOrder : 0);
  expect(await delivery.deliver([batch(0, "b")])).toMatchObject([{ kind: "written" }]);
  expect(script.received.at(-1)).toMatchObject({ sequence: 0 });
});

test("what nobody takes in time is given up, with the reason of the last attempt", async () => {
  const script = scriptOf([1]);
  const delivery = await start(script, { limitMs: 300 });
  script.react = () => notLeader;
  const [outcome] = await delivery.deliver([batch(0, "a")]);
  expect(outcome).toMatchObject({
    kind: "failed",
    error: { code: "NOT_LEADER_OR_FOLLOWER", retriable: true },
  });
  expect(script.received.length).toBeGreaterThan(1);
});

test("brokers are found beyond those that were there from the start", async () => {
  const script = scriptOf([3]);
  const delivery = await start(script, { bootstrap: [0] });
  expect(await delivery.deliver([batch(0, "a")])).toMatchObject([{ kind: "written" }]);
  expect(script.received.map(({ nodeId }) => nodeId)).toEqual([3]);
});
