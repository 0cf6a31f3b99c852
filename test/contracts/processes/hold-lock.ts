// Tries the lock at argv[2] and says whether it got it; holds it until its input ends.
import { createNodeDisk } from "../../../adapters/node/disk.ts";

const lock = await createNodeDisk().lock(process.argv[2] ?? "");
console.log(lock === null ? "refused" : "held");
process.stdin.on("end", () => process.exit(0)).resume();
