import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { edited } from "./apply-mutant.ts";
import { mutants } from "./mutants.ts";

const root = resolve(import.meta.dirname, "../../..");

test.each(mutants)("the text that $name changes is in the product once", ({ name, edits }) => {
  for (const edit of edits) {
    const text = readFileSync(resolve(root, edit.file), "utf8");
    expect(edited(text, edit, name)).not.toBe(text);
  }
});

test.each(mutants)(
  "the simulator finds $name within $withinSeeds seeds",
  { timeout: 300_000 },
  ({ name, faults, foundBy, withinSeeds, options = ["--brokers=1"] }) => {
    const { stdout } = spawnSync(
      resolve(root, "node_modules/.bin/node"),
      [
        resolve(import.meta.dirname, "../main.ts"),
        "--quiet",
        `--seeds=1..${withinSeeds}`,
        `--faults=${faults}`,
        `--mutant=${name}`,
        ...options,
      ],
      { encoding: "utf8" },
    );
    expect(stdout).toMatch(/seed \d+ fails/);
    expect(/Violation: (.*)/.exec(stdout)?.[1] ?? stdout).toMatch(foundBy);
  },
);
