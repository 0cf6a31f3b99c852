import type { RequestHead } from "../../protocol/api-frame.ts";
import {
  closeConnection,
  type KafkaApi,
  type PreparedRequest,
  type Reply,
  type RequestContext,
} from "../handlers/kafka-api.ts";
import type { ReportScope } from "./reports.ts";
import { apiStatistics } from "./server-statistics.ts";

/** A request with the API that will answer it. */
export type Runnable<Services> = {
  readonly head: RequestHead;
  readonly api: KafkaApi<Services>;
  readonly prepared: PreparedRequest<Services>;
};

/** Runs a handler; one that answers at once is answered at once. */
export function runRequest<Services>(
  { prepared }: Runnable<Services>,
  context: RequestContext<Services>,
  outcome: {
    readonly replied: (reply: Reply) => void;
    readonly failed: (error: unknown) => void;
  },
): void {
  let reply: Reply | Promise<Reply>;
  try {
    reply = prepared.run(context);
  } catch (error) {
    outcome.failed(error);
    return;
  }
  if (!(reply instanceof Promise)) outcome.replied(reply);
  else reply.then(outcome.replied, outcome.failed);
}

/** A handler that throws is a bug of ours: said aloud, answered as far as the protocol can, and survived. */
export function failureReply<Services>(
  { log, statistics }: ReportScope,
  { head, api, prepared }: Runnable<Services>,
  fields: Record<string, unknown>,
): Reply {
  apiStatistics(statistics, api).failureCount++;
  const { clientId, requestApiVersion: version } = head.header;
  log.error(`${api.name} failed`, { ...fields, clientId, version });
  try {
    return prepared.refuse("UNKNOWN_SERVER_ERROR") ?? closeConnection;
  } catch (error) {
    log.error(`${api.name} has no answer for its own failure`, { ...fields, error });
    return closeConnection;
  }
}
