import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/**
 * Who may import whom (ARCHITECTURE.md, "The rooms"). The longest matching prefix on the left rules a file; a target is allowed if it lies under one
 * of the prefixes on the right. `types:` allows `import type` only.
 */
const rooms: Record<string, string[]> = {
  "protocol/": ["protocol/"],
  "ports/": ["ports/"],
  "adapters/": ["adapters/", "ports/", "package.json"],
  // The entry point of a thread.
  "adapters/node/compaction-worker.ts": ["adapters/node/", "broker/compaction/"],
  "metadata/": ["metadata/", "protocol/errors.ts", "ports/"],
  "broker/log/": [
    "broker/log/",
    "broker/assert.ts",
    "broker/failure.ts",
    "broker/log-output.ts",
    "protocol/",
    "ports/",
  ],
  "broker/compaction/": [
    "broker/compaction/",
    "broker/assert.ts",
    "types:broker/log/",
    "broker/log/epoch-cache.ts",
    "broker/tiering/",
    "protocol/",
    "ports/",
  ],
  "broker/tiering/": [
    "broker/tiering/",
    "broker/assert.ts",
    "broker/log/at-once.ts",
    "broker/log/byte-writer.ts",
    "broker/log/epoch-cache.ts",
    "broker/log/gaps.ts",
    "broker/log/open-transactions.ts",
    "broker/log/producer-replay.ts",
    "broker/log/producer-snapshot.ts",
    "broker/log/producer-state.ts",
    "protocol/records/",
    "ports/",
  ],
  "broker/server/": [
    "broker/server/",
    "broker/assert.ts",
    "broker/log/log-range.ts",
    "broker/handlers/kafka-api.ts",
    "broker/log-output.ts",
    "protocol/",
    "ports/",
  ],
  "broker/fetch-sessions/": ["broker/fetch-sessions/", "protocol/"],
  "broker/coordinator/": [
    "broker/coordinator/",
    "broker/failure.ts",
    "broker/log-output.ts",
    "protocol/",
    "ports/",
  ],
  "broker/groups/": [
    "broker/groups/",
    "broker/coordinator/",
    "broker/failure.ts",
    "broker/log-output.ts",
    "protocol/",
    "ports/",
  ],
  // The broker as a process of its own in AWS.
  "broker/main.ts": ["broker/", "adapters/", "metadata/", "protocol/", "ports/"],
  "broker/container/": ["broker/", "adapters/", "metadata/", "protocol/", "ports/"],
  "broker/": ["broker/", "metadata/", "protocol/", "ports/"],
  // The processes of a cell in AWS: each puts the adapters of the cloud together with what it runs.
  "functions/entries/": ["functions/", "adapters/", "metadata/", "ports/"],
  "functions/": ["functions/", "metadata/", "protocol/errors.ts", "ports/"],
  "sdk/src/testing": [
    "sdk/",
    "broker/",
    "functions/",
    "adapters/",
    "metadata/",
    "protocol/",
    "ports/",
  ],
  "sdk/src/tunnel/": ["sdk/", "protocol/"],
  "sdk/src/local/": ["sdk/", "broker/", "functions/", "metadata/", "ports/"],
  "sdk/src/cli/": [
    "sdk/",
    "broker/",
    "functions/",
    "adapters/",
    "metadata/",
    "protocol/",
    "ports/",
  ],
  "sdk/": ["sdk/", "types:functions/"],
  "infra/": ["infra/"],
};

function sourceFiles(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    if (name === "node_modules" || name === "dist" || name.startsWith(".")) return [];
    const path = join(directory, name);
    return statSync(path).isDirectory() ? sourceFiles(path) : path.endsWith(".ts") ? [path] : [];
  });
}

type Import = { target: string; isTypeOnly: boolean };

function relativeImports(path: string): Import[] {
  const text = readFileSync(path, "utf8");
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^"';]*?from\s+"(\.[^"]+)"/gms,
  )) {
    found.push({ target: match[2] ?? "", isTypeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/import\(\s*"(\.[^"]+)"\s*\)/g))
    found.push({ target: match[1] ?? "", isTypeOnly: false });
  return found.map((each) => ({
    ...each,
    target: relative(root, resolve(dirname(path), each.target)),
  }));
}

function ruleFor(file: string): string[] | undefined {
  const prefix = Object.keys(rooms)
    .filter((each) => file.startsWith(each))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? undefined : rooms[prefix];
}

function forbidden(file: string, imports: Import[]): string[] {
  const allowed = ruleFor(file);
  if (allowed === undefined) return [`${file} lies in no room that this test knows`];
  return imports
    .filter(
      ({ target, isTypeOnly }) =>
        !allowed.some((each) =>
          each.startsWith("types:")
            ? isTypeOnly && target.startsWith(each.slice(6))
            : target.startsWith(each),
        ),
    )
    .map(({ target }) => `${file} imports ${target}`);
}

test("every import runs downwards, as the table of rooms says", () => {
  const folders = [
    "protocol",
    "ports",
    "adapters",
    "metadata",
    "broker",
    "functions",
    "sdk/src",
    "infra",
  ];
  const files = folders.flatMap((each) => {
    try {
      return sourceFiles(join(root, each));
    } catch {
      return []; // A room that a later issue builds.
    }
  });
  expect(files.length).toBeGreaterThan(20);
  const breaches = files.flatMap((path) => forbidden(relative(root, path), relativeImports(path)));
  expect(breaches).toEqual([]);
});

test("a planted upward import is found", () => {
  expect(forbidden("protocol/x.ts", [{ target: "broker/y.ts", isTypeOnly: true }])).toHaveLength(1);
  expect(
    forbidden("sdk/src/client.ts", [{ target: "functions/api-types.ts", isTypeOnly: false }]),
  ).toHaveLength(1);
  expect(
    forbidden("sdk/src/client.ts", [{ target: "functions/api-types.ts", isTypeOnly: true }]),
  ).toHaveLength(0);
});
