import type { KafkaApi, PreparedRequest } from "../../../broker/handlers/kafka-api.ts";
import { closeConnection } from "../../../broker/handlers/kafka-api.ts";
import type { ErrorName } from "../../../protocol/errors.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";

/** An error to answer requests with, instead of doing what they ask. */
export type Fault = {
  /** Kafka's name of the API: `Produce`, `Fetch`, `JoinGroup`. */
  api: string;
  /**
   * Kafka's name of the error: `NOT_LEADER_OR_FOLLOWER`. Answered for the request as a whole; where the API has no place to say it, the connection is
   * closed. `DISCONNECT` always closes it.
   */
  error: ErrorName | "DISCONNECT";
  /** How many requests; 1 by default. */
  times?: number;
};

export type Faults = {
  add(fault: Fault): void;
  /** Requests that get an error still to come. */
  readonly left: number;
  clear(): void;
};

/** The APIs as they are, with faults in front of them. */
export function withFaults<Services>(apis: readonly KafkaApi<Services>[]): {
  apis: readonly KafkaApi<Services>[];
  faults: Faults;
} {
  const names = new Set(apis.map(({ name }) => name));
  const waiting: { api: string; error: Fault["error"]; left: number }[] = [];

  function next(api: string): Fault["error"] | null {
    const index = waiting.findIndex((fault) => fault.api === api);
    const fault = waiting[index];
    if (fault === undefined) return null;
    if (--fault.left === 0) waiting.splice(index, 1);
    return fault.error;
  }

  function failing(
    name: string,
    prepared: PreparedRequest<Services>,
  ): PreparedRequest<Services>["run"] {
    return (context) => {
      const error = next(name);
      if (error === null) return prepared.run(context);
      return error === "DISCONNECT" ? closeConnection : (prepared.refuse(error) ?? closeConnection);
    };
  }

  return {
    apis: apis.map((api) => ({
      ...api,
      prepare(head, frame) {
        const prepared = api.prepare(head, frame);
        if (prepared instanceof DecodeError) return prepared;
        return { ...prepared, run: failing(api.name, prepared) };
      },
    })),
    faults: {
      add({ api, error, times = 1 }) {
        if (!names.has(api))
          throw new RangeError(`There is no API ${api}; there is: ${[...names].join(", ")}`);
        if (!Number.isInteger(times) || times < 1)
          throw new RangeError(`times must be a whole number above 0; it is ${times}`);
        waiting.push({ api, error, left: times });
      },
      get left() {
        return waiting.reduce((sum, fault) => sum + fault.left, 0);
      },
      clear: () => void waiting.splice(0),
    },
  };
}
