import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { completionScript } from "../../../../sdk/src/cli/completion.ts";
import { createProgram } from "../../../../sdk/src/cli/program.ts";

function completed(...words: string[]): string[] {
  const script = `${completionScript(createProgram(), "bash")}
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _myelin; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["-c", script, "bash", "myelin", ...words]);
  return output.toString().trim().split("\n");
}

test("nouns come first, verbs after them, then their options", () => {
  expect(completed("to")).toEqual(["topic"]);
  expect(completed("topic", "c")).toEqual(["create"]);
  expect(completed("topic", "create", "--par")).toEqual(["--partitions"]);
  expect(completed("consume", "orders", "--unt")).toEqual(["--until-end"]);
});

test("global options are offered everywhere", () => {
  expect(completed("--js")).toEqual(["--json"]);
  expect(completed("topic", "list", "--js")).toEqual(["--json"]);
});
