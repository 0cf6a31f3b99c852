import type { Broker, Image } from "../image/image.ts";
import { rejected } from "./command.ts";
import type { Rejection } from "./command.ts";

/** A broker in one of its lives. What is decided about an earlier one says nothing about the present. */
export type BrokerRef = { readonly brokerId: number; readonly brokerEpoch: number };

export type BrokerErrorCode = "BROKER_ID_NOT_REGISTERED" | "STALE_BROKER_EPOCH";

export function findBroker(
  image: Image,
  { brokerId, brokerEpoch }: BrokerRef,
): { readonly kind: "found"; readonly broker: Broker } | Rejection<BrokerErrorCode> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    return rejected("BROKER_ID_NOT_REGISTERED", `broker ${brokerId} is not registered`);
  }
  if (broker.epoch === brokerEpoch) return { kind: "found", broker };
  return rejected(
    "STALE_BROKER_EPOCH",
    `broker ${brokerId} registered with epoch ${broker.epoch}, not ${brokerEpoch}`,
  );
}

/** Those of the brokers that the log still has in the same life. */
export function present(image: Image, brokers: readonly BrokerRef[]): Broker[] {
  return brokers.flatMap((ref) => {
    const found = findBroker(image, ref);
    return found.kind === "found" ? [found.broker] : [];
  });
}
