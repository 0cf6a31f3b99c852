// Appends argv[4] entries of its own to the log at argv[2] as writer argv[3], once told to go, and prints the revisions it won.
import { once } from "node:events";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { openSqliteMetadataLog } from "../../../adapters/sqlite/metadata-log.ts";

const [, , path = "", writer = "", count = "0"] = process.argv;
const log = await openSqliteMetadataLog(path, { clock: createNodeClock(), version: 1 });
console.log("ready");
await once(process.stdin, "data");
const won: number[] = [];
let head = 1;
while (won.length < Number(count)) {
  const tail = await log.read(head + 1, 1000);
  if (tail === "trimmed") throw new Error("nothing was trimmed");
  head += tail.length;
  const entry = Buffer.from(`${writer}/${won.length}`);
  if ((await log.append(head + 1, entry)) === "accepted") won.push(head + 1);
}
console.log(JSON.stringify(won));
await log.close();
process.exit(0);
