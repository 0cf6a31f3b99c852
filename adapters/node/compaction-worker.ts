// The thread that cleans compacted logs: an entry point of its own, so it may import the broker's cleaner. Answers requests in the order they come. What is
// thrown here ends the thread, and is told to who waits for it.
import { parentPort } from "node:worker_threads";
import { createCleaningDesk, type CleaningRequest } from "../../broker/compaction/cleaning-desk.ts";
import { handOver } from "./carried-bytes.ts";

const answer = createCleaningDesk();

parentPort?.on("message", (request: CleaningRequest) => {
  const { message, transferList } = handOver(answer(request));
  parentPort?.postMessage(message, transferList);
});
