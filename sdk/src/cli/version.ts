import { existsSync, readFileSync } from "node:fs";

/** Of the package this file ships in: published, its package.json lies beside the bundle. */
export const version: string = readVersion();

function readVersion(): string {
  const beside = new URL("./package.json", import.meta.url);
  const file = existsSync(beside) ? beside : new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
