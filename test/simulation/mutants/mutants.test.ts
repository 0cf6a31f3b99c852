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

/** All of them take four minutes. */
const parts = 4;

/** Those of this run: another fourth each time, so that no rule goes unproven for long. `MUTANTS=all` runs all of them. */
function drawn(): typeof mutants {
  if (process.env["MUTANTS"] === "all") return mutants;
  const part = Math.floor(Math.random() * parts);
  console.log(`mutants: every fourth, from number ${part + 1} of ${mutants.length} on`);
  return mutants.filter((_, index) => index % parts === part);
}

test.each(drawn())(
  "the simulator finds $name within $withinSeeds seeds",
  { timeout: 300_000 },
  ({ name, faults, foundBy, withinSeeds, fromSeed = 1, options = ["--brokers=1"] }) => {
    const { stdout } = spawnSync(
      resolve(root, "node_modules/.bin/node"),
      [
        resolve(import.meta.dirname, "../main.ts"),
        "--quiet",
        `--seeds=${fromSeed}..${fromSeed + withinSeeds - 1}`,
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
