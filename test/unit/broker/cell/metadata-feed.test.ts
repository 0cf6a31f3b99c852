import { afterEach, beforeEach, expect, test } from "vitest";
import type { ControlledClock } from "../../../../adapters/memory/clock.ts";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { MetadataFeed } from "../../../../broker/cell/metadata-feed.ts";
import { createMetadataFeed } from "../../../../broker/cell/metadata-feed.ts";
import type { MetadataFetchAnswer } from "../../../../broker/cell/metadata-fetch.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { takeOver } from "../../../../metadata/commands/take-over.ts";
import type { RegisteredBroker } from "../../../../metadata/commands/register-broker.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { createCell } from "../../../../metadata/commands/create-cell.ts";
import type { TestCell } from "../../metadata/test-cell.ts";
import { newBroker, testCell } from "../../metadata/test-cell.ts";

// The first of three brokers is the controller, and this is its feed.

let cell: TestCell;
let clock: ControlledClock;
let feed: MetadataFeed;
let brokers: RegisteredBroker[];
let readCount: number;

beforeEach(() => {
  cell = testCell();
  cell.accept(createCell);
  brokers = ["1", "2", "3"].map((name) =>
    cell.accept((image, context) => registerBroker(image, newBroker(name, name), context)),
  );
  const [first] = brokers as [RegisteredBroker];
  const missed = { brokerId: null, epoch: cell.image.controller.epoch };
  cell.accept((image, context) => takeOver(image, { ...first, missed }, context));
  clock = createManualClock();
  readCount = 0;
  feed = createMetadataFeed({
    selfId: first.brokerId,
    image: cell.image,
    clock,
    readLog: async () => void readCount++,
  });
});
afterEach(() => {
  feed.close();
  clock.close();
});

type Asked = { answer: MetadataFetchAnswer | "none yet"; giveUp: () => void };

function ask(at: number, { revision = cell.image.revision, awaitsAll = false } = {}): Asked {
  const { brokerId, brokerEpoch } = brokers[at]!;
  const asked: Asked = { answer: "none yet", giveUp: () => undefined };
  const request = { brokerId, brokerEpoch, revision, awaitsAll, maxWaitMs: 5_000 };
  void feed
    .fetched(request, (give) => {
      asked.giveUp = give;
      return () => undefined;
    })
    .then((answer) => (asked.answer = answer));
  return asked;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Another entry, whatever it says. */
function append(): void {
  cell.accept((image, context) => registerBroker(image, newBroker("4", "1"), context));
  feed.applied();
}

test("a broker that lacks entries hears so at once", async () => {
  const asked = ask(1, { revision: cell.image.revision - 1 });
  await settle();
  expect(asked.answer).toMatchObject({ revision: cell.image.revision });
});

test("a broker that has all hears of the next entry when it is there, and no sooner", async () => {
  const asked = ask(1);
  await settle();
  expect(asked.answer).toBe("none yet");
  append();
  await settle();
  expect(asked.answer).toMatchObject({ revision: cell.image.revision });
});

test("a wait ends with its time, and with its connection", async () => {
  const [slow, gone] = [ask(1), ask(2)];
  await settle();
  gone.giveUp();
  await settle();
  expect(gone.answer).not.toBe("none yet");
  expect(slow.answer).toBe("none yet");
  await clock.advance(5_000);
  expect(slow.answer).not.toBe("none yet");
});

test("nobody waits for a connection that is gone by the time it is watched", async () => {
  const { brokerId, brokerEpoch } = brokers[1]!;
  const { revision } = cell.image;
  let watched = 0;
  const request = { brokerId, brokerEpoch, revision, awaitsAll: false, maxWaitMs: 5_000 };
  const answer = await feed.fetched(request, (give) => {
    watched++;
    give();
    return () => void watched--;
  });
  expect(answer).toMatchObject({ revision });
  expect(watched).toBe(0);
});

test("a broker that knows of more than this one has the log read first", async () => {
  ask(1, { revision: cell.image.revision + 1 });
  await settle();
  expect(readCount).toBe(1);
});

test("whoever waits for all hears when the last broker in service has replayed", async () => {
  ask(1);
  const asked = ask(1, { awaitsAll: true });
  await settle();
  expect(asked.answer).toBe("none yet");
  ask(2);
  await settle();
  expect(asked.answer).toMatchObject({ isWithAll: true });
});

test("a broker that was fenced is not waited for", async () => {
  const asked = ask(1, { awaitsAll: true });
  await settle();
  const third = brokers[2]!;
  cell.accept((image, context) => fenceBrokers(image, { brokers: [third] }, context));
  feed.applied();
  await settle();
  expect(asked.answer).toMatchObject({ isWithAll: true });
});

test("what a former life of a broker had replayed does not count for its present one", async () => {
  ask(1);
  ask(2, { revision: cell.image.revision + 10 });
  await settle();
  const { brokerId } = brokers[2]!;
  const again = {
    ...newBroker("3", "3"),
    brokerId,
    incarnation: "next",
    storedIncarnations: ["3"],
  };
  cell.accept((image, context) =>
    registerBroker(
      image,
      { ...again, storedIncarnations: [image.brokers.get(brokerId)?.incarnation ?? ""] },
      context,
    ),
  );
  feed.applied();
  expect(feed.isWithAll(1)).toBe(false);
});

test("who is not the controller says so", async () => {
  const asked = ask(1);
  const [first, second] = brokers as [RegisteredBroker, RegisteredBroker];
  const missed = { brokerId: first.brokerId, epoch: cell.image.controller.epoch };
  cell.accept((image, context) => takeOver(image, { ...second, missed }, context));
  feed.applied();
  await settle();
  expect(asked.answer).toBeNull();
});
