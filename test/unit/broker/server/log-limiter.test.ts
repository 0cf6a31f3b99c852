import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createLogLimiter } from "../../../../broker/server/log-limiter.ts";

test("a subject is said once a minute, and how often it was not comes with the next line", async () => {
  const clock = createManualClock();
  const due = createLogLimiter(clock);
  expect(due("a")).toEqual({ unsaidCount: 0 });
  expect(due("a")).toBeNull();
  expect(due("a")).toBeNull();
  expect(due("b")).toEqual({ unsaidCount: 2 });
  await clock.advance(60_000);
  expect(due("a")).toEqual({ unsaidCount: 0 });
});

test("no more than ten subjects are said a minute, whatever strangers come up with", () => {
  const due = createLogLimiter(createManualClock());
  const said = Array.from({ length: 1000 }, (_, index) => due(`client ${index}`)).filter(
    (each) => each !== null,
  );
  expect(said).toHaveLength(10);
});
