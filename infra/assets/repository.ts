import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the product lies: entry files are named by path, so that nothing of it is imported. */
export const repository = resolve(fileURLToPath(new URL("../..", import.meta.url)));
