#!/usr/bin/env -S node --max-semi-space-size=16
// Plain JavaScript, because it may be run by a Node that is too old for what it starts: it then starts again with the Node 24 that npm installed.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import nodeModule, { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** As the first line has it: half of Node's limit for young objects costs no throughput and saves 75 MB under load. V8 takes it at its start only. */
const nodeFlags = ["--max-semi-space-size=16"];
const here = dirname(fileURLToPath(import.meta.url));
// Published, the bundle lies beside bin; in the repository the source does.
const bundled = join(here, "../cli.js");
const entry = existsSync(bundled) ? bundled : join(here, "../src/cli/main.ts");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 12)) {
  keepCompiled();
  await import(entry);
} else {
  const node = localNode();
  if (node === null) {
    console.error(
      `Myelin needs Node 24.12 or later; this is ${process.versions.node} and there is no other in node_modules. Install one, or run npm ci.`,
    );
    process.exit(1);
  }
  const child = spawn(
    node,
    [...nodeFlags, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  // A terminal's Ctrl-C reaches the child by itself; signals sent to this process alone are passed on.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${node} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("close", (code, signal) => {
    if (signal !== null) process.kill(process.pid, signal);
    process.exit(code ?? 1);
  });
}

/**
 * Keeps what V8 has compiled for the next start, which then takes half as long. In the user's own cache directory: Node's default is one that everybody
 * may write, and what lies there is run. NODE_COMPILE_CACHE names another, NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
function keepCompiled() {
  const { NODE_COMPILE_CACHE: chosen, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  try {
    const base = XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), ".cache");
    // Missing in an older Node, so not imported by name. A directory that cannot be written is no error to it.
    nodeModule.enableCompileCache(chosen || join(base, "myelin/compiled"));
  } catch {
    // A user without a home: it is compiled at each start.
  }
}

function localNode() {
  try {
    const path = join(
      dirname(createRequire(import.meta.url).resolve("node/package.json")),
      "bin/node",
    );
    return existsSync(path) ? path : null;
  } catch {
    return null; // Not installed: the caller says what to do.
  }
}
