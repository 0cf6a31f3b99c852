// Replaces the file at argv[2] for ever: round n holds n, and n in every following byte. Says each round that is done.
import { createNodeDisk } from "../../../adapters/node/disk.ts";

const disk = createNodeDisk();
for (let round = 1; ; round++) {
  const bytes = new Uint8Array(2_000_000).fill(round & 0xff);
  new DataView(bytes.buffer).setUint32(0, round);
  await disk.writeFile(process.argv[2] ?? "", bytes);
  console.log(round);
}
