import { expect, test } from "vitest";
import { createBudget } from "../../../../broker/cold/budget.ts";

/** Work that is over when it is told. */
function scene(limit: number) {
  const budget = createBudget(limit);
  const begun: string[] = [];
  const ends = new Map<string, { end: () => void; fail: (error: Error) => void }>();
  const run = (name: string, amount: number) =>
    budget(amount, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, { end: () => resolve(name), fail: reject }),
      );
    });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { run, begun, settle, of: (name: string) => ends.get(name)! };
}

test("no more is under way at once than there is room for, and who came first goes first", async () => {
  const { run, begun, settle, of } = scene(10);
  const all = [run("a", 6), run("b", 3), run("c", 4), run("d", 1)];
  await settle();
  // There is room for d, and c came before it.
  expect(begun).toEqual(["a", "b"]);
  of("b").end();
  await settle();
  expect(begun).toEqual(["a", "b", "c"]);
  of("a").end();
  await settle();
  expect(begun).toEqual(["a", "b", "c", "d"]);
  of("c").end();
  of("d").end();
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
});

test("what is larger than all the room there is has it alone, and what failed gives its room back", async () => {
  const { run, begun, settle, of } = scene(10);
  const large = run("large", 1_000);
  const next = run("next", 1);
  await settle();
  expect(begun).toEqual(["large"]);
  of("large").fail(new Error("the store"));
  await expect(large).rejects.toThrow("the store");
  await settle();
  expect(begun).toEqual(["large", "next"]);
  of("next").end();
  expect(await next).toBe("next");
});
