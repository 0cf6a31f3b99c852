import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An AWS CLI that answers each call, known by its first two words, with these lines of the shell; and what it was called with. */
export function awsCli(directory: string, answers: Readonly<Record<string, string>>) {
  const path = join(directory, "aws");
  const log = join(directory, "calls");
  const cases = Object.entries(answers).map(([call, lines]) => `"${call}")\n${lines}\n;;`);
  writeFileSync(log, "");
  writeFileSync(
    path,
    `#!/bin/sh\necho "$@" >> "${log}"\ncase "$1 $2" in\n${cases.join("\n")}\nesac\n`,
  );
  chmodSync(path, 0o755);
  return { path, calls: () => readFileSync(log, "utf8").split("\n").filter(Boolean) };
}
