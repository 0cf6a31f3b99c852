import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { storedNames } from "../../../../broker/tiering/stored-names.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";

async function store(counts: Readonly<Record<string, number>>) {
  const objects = createMemoryObjectStore();
  for (const [name, count] of Object.entries(counts))
    for (let index = 0; index < count; index++)
      await objects.put(`cells/${name}/${String(index).padStart(5, "0")}`, new Uint8Array());
  const asked: number[] = [];
  const counted: ObjectStore = {
    ...objects,
    list(prefix, options) {
      asked.push(options?.limit ?? 1_000);
      return objects.list(prefix, options);
    },
  };
  return { objects: counted, asked };
}

test("many small ones come in a request", async () => {
  const names = Array.from({ length: 400 }, (_, index) => `t${String(index).padStart(3, "0")}`);
  const { objects, asked } = await store(Object.fromEntries(names.map((name) => [name, 4])));
  expect(await storedNames(objects, "cells/")).toEqual(names);
  expect(asked).toHaveLength(2);
});

test("of a large one no more is listed than tells the next", async () => {
  const { objects, asked } = await store({ a: 2_500, b: 2_500, c: 2_500, d: 1, e: 1 });
  expect(await storedNames(objects, "cells/")).toEqual(["a", "b", "c", "d", "e"]);
  expect(asked).toEqual([1_000, 32, 32, 32]);
});

test("a name that another one begins with is found beside it", async () => {
  const { objects } = await store({ "prod-2": 40, prod: 1_200, prod0: 2, "prod.x": 1 });
  expect(new Set(await storedNames(objects, "cells/"))).toEqual(
    new Set(["prod", "prod-2", "prod.x", "prod0"]),
  );
});
