import { expect, test } from "vitest";
import type { KafkaApi, RequestContext } from "../../../../broker/handlers/kafka-api.ts";
import { closeConnection } from "../../../../broker/handlers/kafka-api.ts";
import type { Encoded } from "../../../../protocol/schema/encode.ts";
import { withFaults } from "../../../../sdk/src/testing/faults.ts";

const named = (name: string): Encoded => ({ name }) as unknown as Encoded;

function api(name: string, refusal: Encoded | null): KafkaApi<null> {
  return {
    name,
    prepare: () => ({ run: () => named("done"), refuse: () => refusal }),
  } as unknown as KafkaApi<null>;
}

function run(apis: readonly KafkaApi<null>[], name: string): unknown {
  const prepared = apis
    .find((each) => each.name === name)
    ?.prepare({} as never, new Uint8Array(0)) as ReturnType<KafkaApi<null>["prepare"]> & {
    run(context: RequestContext<null>): unknown;
  };
  return prepared.run({} as RequestContext<null>);
}

test("an error is answered as often as was said, and only by that API", () => {
  const { apis, faults } = withFaults([api("Produce", named("refused")), api("Fetch", null)]);
  faults.add({ api: "Produce", error: "NOT_LEADER_OR_FOLLOWER", times: 2 });
  expect(run(apis, "Fetch")).toEqual(named("done"));
  expect([1, 2, 3].map(() => run(apis, "Produce"))).toEqual([
    named("refused"),
    named("refused"),
    named("done"),
  ]);
  expect(faults.left).toBe(0);
});

test("faults of one API are met in the order they were asked for", () => {
  const { apis, faults } = withFaults([api("Produce", named("refused"))]);
  faults.add({ api: "Produce", error: "DISCONNECT" });
  faults.add({ api: "Produce", error: "REQUEST_TIMED_OUT" });
  expect(run(apis, "Produce")).toBe(closeConnection);
  expect(run(apis, "Produce")).toEqual(named("refused"));
});

test("an error that the API cannot say closes the connection", () => {
  const { apis, faults } = withFaults([api("OffsetCommit", null)]);
  faults.add({ api: "OffsetCommit", error: "NOT_COORDINATOR" });
  expect(run(apis, "OffsetCommit")).toBe(closeConnection);
});

test("faults that no request has met can be taken back", () => {
  const { apis, faults } = withFaults([api("Produce", named("refused"))]);
  faults.add({ api: "Produce", error: "NOT_LEADER_OR_FOLLOWER", times: 5 });
  faults.clear();
  expect(run(apis, "Produce")).toEqual(named("done"));
});

test("an API that is not served is refused, naming those that are", () => {
  const { faults } = withFaults([api("Produce", null)]);
  expect(() => faults.add({ api: "produce", error: "NOT_COORDINATOR" })).toThrow(/Produce/);
});
