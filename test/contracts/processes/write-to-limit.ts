// Writes 16 KiB to argv[2], of shared memory if argv[3] says so, and prints how that ended.
import { createNodeDisk } from "../../../adapters/node/disk.ts";
import { DiskError } from "../../../ports/disk.ts";

const disk = createNodeDisk();
const file = await disk.open(process.argv[2] ?? "", { create: true });
const length = 16 * 1024;
const bytes =
  process.argv[3] === "shared"
    ? new Uint8Array(new SharedArrayBuffer(length))
    : new Uint8Array(length);
try {
  await file.write([bytes], 0);
  console.log("written");
} catch (error) {
  console.log(error instanceof DiskError ? error.code : error);
}
console.log(await file.size());
process.exit(0);
