import type { Broker } from "../../metadata/image/image.ts";

/** Why clients should not be sent to a broker in this state, as /readyz says it; null if they should. `undefined`: the cell does not know it. */
export function notReady(state: Broker["state"] | undefined): string | null {
  switch (state) {
    case "active":
      return null;
    case "draining":
      return "the broker is on its way out: its partitions are being led elsewhere";
    case "fenced":
    case undefined:
      return "the cell does not count on this broker: its controller has not heard of it";
  }
}
