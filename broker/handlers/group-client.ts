import type { GroupClient } from "../groups/group-context.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";

export type GroupRequestContext = RequestContext<BrokerServices>;

/** What the coordinator needs to know of who asks. The host is written as Java writes an address, because tools show it as it comes. */
export function groupClientOf(context: GroupRequestContext): GroupClient {
  const { clusterId, clientId, apiVersion, remote } = context;
  return { clusterId, clientId: clientId ?? "", clientHost: `/${remote.host}`, apiVersion };
}
