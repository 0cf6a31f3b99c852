import { errorCodes } from "../../protocol/errors.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from "../../protocol/messages/init-producer-id.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// Idempotent producers, of any broker: always a new id, as in Kafka, also where the client names the one it had (v3, KIP-360). Transactional ids are not served yet: the answer is final, so that the client says so at once. Version 6
// (two-phase commit, KIP-939) is not stable in Kafka and not offered.
export const initProducerId = kafkaApi(
  initProducerIdRequest,
  initProducerIdResponse,
  { versions: [0, 5] },
  async ({ transactionalId }, { services }: RequestContext<BrokerServices>) => {
    const refuse = (errorCode: number) => ({
      throttleTimeMs: 0,
      errorCode,
      producerId: -1,
      producerEpoch: -1,
    });
    if (transactionalId === "") return refuse(errorCodes.INVALID_REQUEST);
    if (transactionalId !== null) return refuse(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const next = await services.producerIds.next();
    if (next === null) return refuse(errorCodes.COORDINATOR_LOAD_IN_PROGRESS);
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, producerId: next, producerEpoch: 0 };
  },
);
