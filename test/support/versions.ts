import type { KafkaApi } from "../../broker/handlers/kafka-api.ts";

/** Every version an API serves, for `test.each`. */
export function versionsOf({ versions: [min, max] }: Pick<KafkaApi<never>, "versions">): number[] {
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}
