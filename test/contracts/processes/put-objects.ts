// Races on the store at argv[2] as writer argv[3]: for each line of input, a condition as JSON, one put of the key "raced"; prints the outcome.
// The condition "forever" puts without end, saying each.
import { createInterface } from "node:readline";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";

const [, , directory = "", writer = ""] = process.argv;
const store = createDirectoryObjectStore(directory);
await store.list("");
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "forever") {
    for (let round = 1; ; round++) {
      const bytes = new Uint8Array(100_000).fill(round & 0xff);
      await store.put("raced", bytes);
      console.log(round);
    }
  }
  const outcome = await store.put("raced", Buffer.from(writer), JSON.parse(line));
  console.log(JSON.stringify(outcome));
}
