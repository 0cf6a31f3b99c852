import { unregisterBroker as unregister } from "../../metadata/commands/unregister-broker.ts";
import {
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from "../../protocol/messages/unregister-broker.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { noError, submit } from "./submit.ts";

// KIP-631: forgets a broker that is gone for good. One that runs, or still has replicas, is refused.
export const unregisterBroker = kafkaApi(
  unregisterBrokerRequest,
  unregisterBrokerResponse,
  { versions: [0, 0] },
  async ({ brokerId }, { services }: RequestContext<BrokerServices>) => {
    const submitted = await submit(services, (image) => unregister(image, { brokerId }));
    return { throttleTimeMs: 0, ...(submitted.kind === "done" ? noError : submitted.error) };
  },
);
