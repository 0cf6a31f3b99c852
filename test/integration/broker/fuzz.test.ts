import { afterAll, beforeAll, expect, test } from "vitest";
import { kafkaApis } from "../../../broker/handlers/table.ts";
import type { LogOutput } from "../../../broker/log-output.ts";
import { silentLog } from "../../../broker/log-output.ts";
import { createTopics } from "../../../metadata/commands/create-topics.ts";
import { deleteTopics } from "../../../metadata/commands/delete-topics.ts";
import { topicByName, topicsOfCluster } from "../../../metadata/image/image.ts";
import { apiByKey } from "../../../protocol/api-table.ts";
import { metadataRequest, metadataResponse } from "../../../protocol/messages/metadata.ts";
import { fetchOne, produceOne } from "../../support/kafka-calls.ts";
import type { LiveBroker } from "../../support/live-broker.ts";
import { startLiveBroker } from "../../support/live-broker.ts";
import { heldBytes } from "../../support/memory-use.ts";
import type { Dice } from "../../support/nonsense.ts";
import { createDice, nonsense } from "../../support/nonsense.ts";
import type { Vocabulary } from "../../support/random-request.ts";
import { randomRequest } from "../../support/random-request.ts";
import { batchOf, valuesIn } from "../../support/records.ts";

// Every API the broker serves, over a real port, with requests drawn at random, requests with bytes changed, and noise. `FUZZ_SECONDS=60` for a minute,
// `FUZZ_SEED=n` to see one again.

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 5);
const seed = Number(process.env["FUZZ_SEED"] ?? 1 + Math.floor(Math.random() * 1_000_000));
const mib = 1024 * 1024;
const parallel = 12;

const apis = kafkaApis.map(({ key, advertised }) => {
  const api = apiByKey(key);
  if (api === undefined) throw new Error(`no API has key ${key}`);
  return { request: api.request, advertised };
});
const apiTable = apis.flatMap(({ request }) => {
  const api = apiByKey(request.key ?? -1);
  return api === undefined ? [] : [api];
});

/** Handlers that threw: they are survived, and are bugs all the same. */
const errors: string[] = [];
const log: LogOutput = {
  ...silentLog,
  error(message, fields) {
    const error = fields?.["error"];
    errors.push(`${message}: ${error instanceof Error ? error.stack : JSON.stringify(fields)}`);
  },
};

let live: LiveBroker;
let vocabulary: Vocabulary;

beforeAll(async () => {
  live = await startLiveBroker({
    log,
    config: { log: { ringBytes: 16 * mib, chunkBytes: mib, fileBytes: 16 * mib, poolFiles: 1 } },
    // Else every changed byte of a name would be another topic.
    defaults: { "auto.create.topics.enable": "false" },
  });
  vocabulary = await tendTopics();
});
afterAll(() => live.close());

const topicConfigs: [string, Record<string, string>][] = [
  ["plain", {}],
  ["compacted", { "cleanup.policy": "compact" }],
  ["stamped", { "message.timestamp.type": "LogAppendTime" }],
];
const words = ["group-a", "group-b", "member", "consumer", "range", "retention.ms", "100000"];
const oddities = ["", ".", "no/slashes", "x".repeat(300), "__consumer_offsets", "\u{1F600}", "1"];
const names = [...topicConfigs.map(([name]) => name), "plain", "plain", "made-by-chance"];

/** Some of the requests delete topics: they are made again, so that the others meet something. */
async function tendTopics(): Promise<Vocabulary> {
  const { clusterId, metadata } = live;
  const missing = topicConfigs.filter(
    ([name]) => topicByName(metadata.image, clusterId, name) === undefined,
  );
  if (missing.length > 0) {
    const topics = missing.map(([name, configs]) => ({ name, partitionCount: 3, configs }));
    await metadata.submit((image, context) => createTopics(image, { clusterId, topics }, context));
  }
  const topicIds = topicsOfCluster(metadata.image, clusterId).map(({ topicId }) => topicId);
  return { strings: [...names, ...names, ...oddities, ...words], topicIds };
}

/** Some frames of one connection. */
function frames(dice: Dice): Buffer[] {
  return Array.from({ length: 1 + dice(4) }, () => {
    if (dice(5) === 0) return nonsense(dice, apiTable);
    const { request, advertised } = apis[dice(apis.length)] ?? {};
    if (request === undefined || advertised === undefined) throw new RangeError("no APIs");
    const [first, last] = advertised;
    const frame = randomRequest(dice, request, {
      version: first + dice(last - first + 1),
      vocabulary,
    });
    if (dice(3) === 0) {
      for (let changes = 1 + dice(4); changes > 0; changes--)
        frame[8 + dice(frame.length - 8)] = dice(256);
    }
    return frame;
  });
}

/** Sends to one connection after the other, reads a little of what comes, and leaves without a word. */
async function harass(dice: Dice, untilMs: number): Promise<number> {
  let sent = 0;
  while (Date.now() < untilMs) {
    if (dice(10) === 0) vocabulary = await tendTopics();
    const client = await live.connect();
    for (const frame of frames(dice)) {
      client.sendBytes(frame);
      sent++;
    }
    const patience = new Promise((resolve) => setTimeout(resolve, dice(10)));
    await Promise.race([client.nextFrame(), client.closed, patience]);
    await client.close();
  }
  return sent;
}

async function deleteAllTopics(): Promise<void> {
  const topics = topicsOfCluster(live.metadata.image, live.clusterId);
  for (let at = 0; at < topics.length; at += 500) {
    await live.metadata.submit((image, context) =>
      deleteTopics(
        image,
        {
          clusterId: live.clusterId,
          topics: topics.slice(at, at + 500).map(({ topicId }) => ({ topicId })),
        },
        context,
      ),
    );
  }
}

async function expectService(name: string): Promise<void> {
  await live.metadata.submit((image, context) =>
    createTopics(
      image,
      { clusterId: live.clusterId, topics: [{ name, partitionCount: 1 }] },
      context,
    ),
  );
  const client = await live.connect();
  const answer = await client.call(metadataRequest, metadataResponse, 12, { topics: [{ name }] });
  expect(answer.topics).toMatchObject([{ errorCode: 0, name }]);
  const records = batchOf(["still here"], { timestamp: Date.now() });
  expect((await produceOne(client, { topic: name, records })).errorCode).toBe(0);
  const fetched = await fetchOne(client, { topic: name, offset: 0, maxWaitMs: 1_000 });
  expect(valuesIn(fetched.records)).toEqual(["still here"]);
  await client.close();
}

test(
  `fuzzed for ${seconds} s, the broker serves on, and keeps nothing (seed ${seed})`,
  { timeout: (seconds + 60) * 1_000 },
  async () => {
    const run = async (durationSeconds: number, salt: number): Promise<number> => {
      const untilMs = Date.now() + durationSeconds * 1_000;
      const runs = Array.from({ length: parallel }, (_, index) =>
        harass(createDice(seed * 100 + salt + index), untilMs),
      );
      return (await Promise.all(runs)).reduce((sum, count) => sum + count, 0);
    };
    // What is compiled, opened and pooled once is not growth.
    await run(Math.min(2, seconds / 2), 50);
    const before = await heldBytes();
    const sent = await run(seconds, 0);
    await expectService("after-the-storm");
    await deleteAllTopics();
    const grown = (await heldBytes()) - before;
    expect(sent).toBeGreaterThan(100);
    expect(live.broker.services.store.statistics().appendedBytes).toBeGreaterThan(2_000);
    expect(errors).toEqual([]);
    expect(grown).toBeLessThan(24 * mib);
  },
);
