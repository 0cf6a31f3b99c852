import type { CellPorts } from "../../adapters/aws/cell-ports.ts";
import { openCellPorts } from "../../adapters/aws/cell-ports.ts";
import type { CellEnvironment } from "../../adapters/aws/environment.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import type { Log } from "../api-context.ts";
import { createFunctionLog } from "./function-log.ts";

/** What every function of a cell works with, once per execution environment. */
export type FunctionCell = {
  readonly environment: CellEnvironment;
  readonly ports: CellPorts;
  readonly replica: MetadataReplica;
  readonly log: Log;
};

/** A day: functions read the log when they are called, and stand still between calls. */
const pollMs = 24 * 60 * 60 * 1_000;

/** Throws MetadataLogError, ObjectStoreError, and MetadataDecodeError where a newer version has written. */
export async function openFunctionCell(environment: CellEnvironment): Promise<FunctionCell> {
  const ports = openCellPorts(environment);
  const log = createFunctionLog({ cell: environment.MYELIN_CELL });
  try {
    const replica = await openMetadataReplica({
      log: ports.metadataLog,
      objects: ports.objects,
      clock: ports.clock,
      random: ports.random,
      output: log,
      cell: environment.MYELIN_CELL,
      pollMs,
    });
    return { environment, ports, replica, log };
  } catch (error) {
    await ports.close();
    throw error;
  }
}
