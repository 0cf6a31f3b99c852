import { voteRequest, voteResponse } from "../../protocol/messages/vote.ts";
import { voteAnswerToWire, voteFromWire, voteVersion } from "../cell/vote-message.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// From brokers only: whether this one misses the controller too (KIP-996's preVote). Version 2, which has the field.
export const vote = kafkaApi(
  voteRequest,
  voteResponse,
  { versions: [voteVersion, voteVersion] },
  async (request, { services }: RequestContext<BrokerServices>) => {
    const question = voteFromWire(request);
    return voteAnswerToWire(question === null ? null : await services.cell.voteAsked(question));
  },
);
