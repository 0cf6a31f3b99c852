import {
  initProducerIdV0,
  initProducerIdV1,
  initProducerIdV2,
  initProducerIdV3,
  initProducerIdV4,
  initProducerIdV5,
} from "@platformatic/kafka";
import type { LookUp } from "./partition-leaders.ts";

/** As whom a producer numbers its batches. */
export type ProducerId = { readonly producerId: bigint; readonly producerEpoch: number };

const versions = [
  initProducerIdV0,
  initProducerIdV1,
  initProducerIdV2,
  initProducerIdV3,
  initProducerIdV4,
  initProducerIdV5,
].map(({ api }) => api);

/** Of no transaction, so that the time-out of one means nothing. */
const anyTimeoutMs = 60_000;

export async function newProducerId({ brokers, chooseApi }: LookUp): Promise<ProducerId> {
  const api = await chooseApi("InitProducerId", versions);
  return brokers.ask((connection) => api.async(connection, null, anyTimeoutMs, -1n, -1));
}
