import type { Connection, ConnectionPool, MessageRecord } from "@platformatic/kafka";
import {
  NumericMap,
  ProduceAcks,
  produceV3,
  produceV4,
  produceV5,
  produceV6,
  produceV7,
  produceV8,
  produceV9,
  produceV10,
  produceV11,
} from "@platformatic/kafka";
import type { Address } from "./any-broker.ts";
import { abandon } from "./any-broker.ts";
import type { ApiChoice } from "./api-choice.ts";
import type { Compression } from "./compression.ts";

/** Messages of one partition, which stand one after the other. */
export type Batch = {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly MessageRecord[];
};

export type ProduceRequest = {
  readonly compression: Compression;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Each with the sequence number of its first message. */
  readonly batches: readonly { readonly batch: Batch; readonly sequence: number }[];
};

/** What a broker says of one batch. */
export type ProduceAnswer = {
  readonly errorCode: number;
  readonly message: string | null;
  readonly offset: number;
};

/** How long a broker waits for the other replicas before it answers that it did. */
const replicationLimitMs = 20_000;

const versions = [
  produceV3,
  produceV4,
  produceV5,
  produceV6,
  produceV7,
  produceV8,
  produceV9,
  produceV10,
  produceV11,
].map(({ api }) => api);

export type SentRequest = {
  /** What the broker says of each batch, in their order, null where it says nothing. Rejects if there is no answer. */
  readonly answers: Promise<(ProduceAnswer | null)[]>;
  /** No answer is waited for any longer, on that connection. */
  readonly abandon: () => void;
};

/** Sends batches to one broker. Rejects if it cannot be reached. */
export async function sendBatches(
  { connections, chooseApi }: { connections: ConnectionPool; chooseApi: ApiChoice },
  { host, port }: Address,
  request: ProduceRequest,
): Promise<SentRequest> {
  const api = await chooseApi("Produce", versions);
  const connection = await connections.get({ host, port });
  const answers = answersOf(api, connection, request);
  return { answers, abandon: () => abandon(connection) };
}

async function answersOf(
  api: (typeof versions)[number],
  connection: Connection,
  { compression, producerId, producerEpoch, batches }: ProduceRequest,
): Promise<(ProduceAnswer | null)[]> {
  const messages = batches.flatMap(({ batch }) => [...batch.messages]);
  const sequences = new NumericMap();
  for (const { batch, sequence } of batches)
    sequences.set(`${batch.topic}:${batch.partition}`, sequence);
  const options = { compression, producerId, producerEpoch, sequences };
  const response = await api
    .async(connection, ProduceAcks.ALL, replicationLimitMs, messages, options)
    // To the library one refused batch is a failure of the whole answer, which stands in the error.
    .catch((error: unknown) => {
      const { response: inside } = error as { response?: unknown };
      if (isAnswer(inside)) return inside;
      throw error;
    });
  if (!isAnswer(response)) throw new Error("acks=all has an answer");
  return batches.map(({ batch }) => answerTo(batch, response));
}

type Answer = {
  responses: readonly {
    name: string;
    partitionResponses: readonly {
      index: number;
      errorCode: number;
      errorMessage?: string | null;
      baseOffset: bigint;
    }[];
  }[];
};

function isAnswer(response: unknown): response is Answer {
  return typeof response === "object" && response !== null && "responses" in response;
}

function answerTo({ topic, partition }: Batch, { responses }: Answer): ProduceAnswer | null {
  const found = responses
    .find(({ name }) => name === topic)
    ?.partitionResponses.find(({ index }) => index === partition);
  if (found === undefined) return null;
  const { errorCode, errorMessage, baseOffset } = found;
  return { errorCode, message: errorMessage ?? null, offset: Number(baseOffset) };
}
