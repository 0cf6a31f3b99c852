import type { Image } from "../image/image.ts";
import { accepted, rejected } from "./command.ts";
import type { Decision } from "./command.ts";

const producerIdBlockSize = 1_000;

export type ProducerIdBlock = { readonly first: number; readonly count: number };

/** The next block of producer ids for this incarnation of a broker. Ids left over when it dies are never used. */
export function allocateProducerIds(
  image: Image,
  request: { brokerId: number; brokerEpoch: number },
): Decision<ProducerIdBlock, "STALE_BROKER_EPOCH"> {
  const { brokerId, brokerEpoch } = request;
  if (image.brokers.get(brokerId)?.epoch !== brokerEpoch) {
    return rejected("STALE_BROKER_EPOCH", `broker ${brokerId} has registered again since`);
  }
  const block = { first: image.nextProducerId, count: producerIdBlockSize };
  return accepted([{ kind: "producerIds", brokerId, brokerEpoch, ...block }], block);
}
