import { CommanderError } from "commander";
import { describeFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

// `myelin ... | head`: whoever reads has what it wants, and the command ends in its own way.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // Commander has said what is wrong; help and version are no failures, though it ends with them.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const failure = describeFailure(error);
  const isDebugging = process.env["MYELIN_DEBUG"] !== undefined;
  if (failure === null || isDebugging) {
    const shown = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${shown}\n`);
  } else {
    process.stderr.write(`${failure.message}\n`);
  }
  return failure?.exitCode ?? 1;
}
