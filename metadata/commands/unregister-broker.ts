import type { Image } from "../image/image.ts";
import { accepted, rejected } from "./command.ts";
import type { Decision } from "./command.ts";

/** Forgets a broker that is out of service and holds nothing: Kafka's UnregisterBroker, and the controller's for disks long gone (replication.md C7). */
export function unregisterBroker(
  image: Image,
  { brokerId }: { readonly brokerId: number },
): Decision<null, "BROKER_ID_NOT_REGISTERED" | "INVALID_REQUEST"> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    return rejected("BROKER_ID_NOT_REGISTERED", `broker ${brokerId} is not registered`);
  }
  if (broker.state !== "fenced") {
    const message = `broker ${brokerId} is ${broker.state}: stop it first`;
    return rejected("INVALID_REQUEST", message);
  }
  const replicaCount = image.brokerLoads.get(brokerId)?.replicaCount ?? 0;
  if (replicaCount > 0) {
    const message = `broker ${brokerId} holds ${replicaCount} replicas: move them to others first`;
    return rejected("INVALID_REQUEST", message);
  }
  return accepted([{ kind: "brokerUnregistered", brokerId }], null);
}
