import { randomBytes } from "node:crypto";
import { setTimeout as nodeTimeout } from "node:timers";
import { expect, test } from "vitest";
import { createWorld } from "./world.ts";

const escapes: [string, () => unknown][] = [
  ["Date.now", () => Date.now()],
  ["new Date()", () => new Date()],
  ["Date()", () => Date()],
  ["performance.now", () => performance.now()],
  ["Math.random", () => Math.random()],
  ["setTimeout", () => setTimeout(() => undefined, 1)],
  ["setInterval", () => setInterval(() => undefined, 1)],
  ["setImmediate", () => setImmediate(() => undefined)],
  ["node:timers setTimeout", () => nodeTimeout(() => undefined, 1)],
  ["AbortSignal.timeout", () => AbortSignal.timeout(1)],
  ["process.hrtime", () => process.hrtime()],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
  ["node:crypto randomBytes", () => randomBytes(1)],
];

const runWith = (work: () => unknown): Promise<void> => {
  const world = createWorld({ seed: 1 });
  world.schedule(1, "task", work);
  world.schedule(2, "task", () => undefined);
  return world.run();
};

test.each(escapes)("%s ends a run", async (name, escape) => {
  await expect(runWith(escape)).rejects.toMatchObject({
    name: "EscapeError",
    message: expect.stringContaining(name) as string,
  });
});

test("an escape ends the run though the code that made it caught what it threw", async () => {
  await expect(
    runWith(() => {
      try {
        Math.random();
      } catch {
        // As a careless fallback would.
      }
    }),
  ).rejects.toMatchObject({ name: "EscapeError" });
});

test("an escape in a microtask ends the run", async () => {
  await expect(runWith(() => Promise.resolve().then(() => Date.now()))).rejects.toMatchObject({
    name: "EscapeError",
  });
});

test("dates made of numbers are arithmetic, and may be used", async () => {
  let text = "";
  await runWith(() => {
    text = new Date(0).toISOString();
  });
  expect(text).toBe("1970-01-01T00:00:00.000Z");
});

test("outside a run everything works as ever", async () => {
  await runWith(() => undefined);
  for (const [, use] of escapes) {
    const made = use();
    if (typeof made === "object" && made !== null && "unref" in made) {
      clearTimeout(made as NodeJS.Timeout);
      clearImmediate(made as NodeJS.Immediate);
    }
  }
  expect(Date.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
  expect(new Date()).toBeInstanceOf(Date);
});
