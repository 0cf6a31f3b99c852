import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const sourceDirectory = dirname(fileURLToPath(import.meta.url));
/** Where prepare.ts puts environments and binaries; not in git. */
export const clientsDirectory = join(resolve(sourceDirectory, "../.."), ".clients");
