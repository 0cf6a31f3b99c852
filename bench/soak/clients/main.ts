// node main.ts write|read LIBRARY OPTIONS: one client of the soak in a process of its own, so that it can fail by itself.
import { failed } from "./lines.ts";
import type { ReaderOptions, WriterOptions } from "./options.ts";

type Library = {
  write(options: WriterOptions): Promise<void>;
  read(options: ReaderOptions): Promise<void>;
};

const libraries: Record<string, () => Promise<Library>> = {
  sdk: () => import("./sdk.ts"),
  kafkajs: () => import("./kafkajs.ts"),
  platformatic: () => import("./platformatic.ts"),
};

const [verb, name = "", options = "{}"] = process.argv.slice(2);
const library = await libraries[name]?.();
if (library === undefined) throw new Error(`no client ${name}`);
// A library that fails outside any promise of ours: it is counted, and goes on if it can.
process.on("uncaughtException", failed);
if (verb === "write") await library.write(JSON.parse(options) as WriterOptions);
else await library.read(JSON.parse(options) as ReaderOptions);
process.exit(0);
