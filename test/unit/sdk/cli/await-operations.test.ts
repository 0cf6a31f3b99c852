import { expect, test } from "vitest";
import { awaitOperations } from "../../../../sdk/src/cli/await-operations.ts";
import type { Waiting } from "../../../../sdk/src/cli/await-operations.ts";
import type { OperationDescription } from "../../../../sdk/src/control/cell.ts";
import { MyelinError } from "../../../../sdk/src/errors.ts";

function move(id: string, changes: Partial<OperationDescription> = {}): OperationDescription {
  return {
    id,
    kind: "move",
    state: "running",
    progress: { done: 0, total: 3, unit: "replicas" },
    error: null,
    broker: null,
    partition: null,
    ...changes,
  };
}

/** A cell that lists one of these after the other, and knows the rest by id. */
function cellOf(lists: OperationDescription[][], byId: OperationDescription[] = []) {
  let asked = 0;
  return {
    operations: async () => lists[Math.min(asked++, lists.length - 1)] ?? [],
    operation: async (id: string) => {
      const found = byId.find((each) => each.id === id);
      if (found === undefined) throw new MyelinError("RESOURCE_NOT_FOUND", "none");
      return found;
    },
  };
}

function wait(waiting: Partial<Waiting> & Pick<Waiting, "cell">) {
  return awaitOperations({
    operations: [move("a"), move("b")],
    signal: new AbortController().signal,
    onProgress() {},
    everyMs: 1,
    patienceMs: 20,
    ...waiting,
  });
}

test("moves leave the list when they end, and are asked for by themselves", async () => {
  const done = [move("a", { state: "done" }), move("b", { state: "done" })];
  const cell = cellOf([[move("a"), move("b")], [move("b")], []], done);
  const seen: string[] = [];
  const ended = await wait({
    cell,
    onProgress: (all) => seen.push(all.map(({ state }) => state).join()),
  });
  expect(ended).toEqual(done);
  expect(seen).toEqual(["running,running", "running,running", "done,running", "done,done"]);
});

test("what leaves no trace was taken back", async () => {
  const [first, second] = await wait({ cell: cellOf([[]]) });
  expect([first?.state, second?.state]).toEqual(["canceled", "canceled"]);
});

test("a wait ends when nothing goes on for long, and says why", async () => {
  const held = { state: "blocked" as const, error: "broker 4 is out of service" };
  const cell = cellOf([[move("a", held), move("b", held)]]);
  await expect(wait({ cell })).rejects.toThrow(
    "It does not go on: broker 4 is out of service. Once that has changed",
  );
});

test("while one of them goes on it goes on", async () => {
  const held = { state: "blocked" as const, error: "broker 4 is out of service" };
  const lists = Array.from({ length: 60 }, () => [move("a", held), move("b")]);
  const done = [move("a", { state: "done" }), move("b", { state: "done" })];
  expect(await wait({ cell: cellOf([...lists, []], done) })).toEqual(done);
});

test("giving up the wait leaves the work alone, and says so", async () => {
  const stop = new AbortController();
  const waited = wait({
    cell: cellOf([[move("a"), move("b")]]),
    signal: stop.signal,
    everyMs: 999,
  });
  stop.abort();
  await expect(waited).rejects.toThrow("Not waiting any longer; it goes on.");
});
