// A broker in a container: `node --max-semi-space-size=16 broker/main.js`. What it is told comes from the environment (container/environment.ts), where it
// is from ECS, all else from the metadata log.
import { EnvironmentError } from "../adapters/aws/environment.ts";
import { EcsAgentError } from "../adapters/ecs/agent.ts";
import { DiskError } from "../ports/disk.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import { NetworkError } from "../ports/network.ts";
import { ObjectStoreError } from "../ports/object-store.ts";
import { readBrokerEnvironment } from "./container/environment.ts";
import { createJsonLog } from "./container/json-log.ts";
import { startContainer } from "./container/start-container.ts";
import { DirectoryError } from "./identity.ts";
import { RecoveryError } from "./log/wal-recovery.ts";
import { brokerStops, createProcessLife } from "./process-life.ts";

/** The process must be gone by itself when ECS would kill it. */
const stopMarginMs = 2_000;

/** What can be wrong at a start without being a bug: a sentence says it, no stack. */
const expectedFailures = [
  EnvironmentError,
  EcsAgentError,
  DirectoryError,
  RecoveryError,
  DiskError,
  MetadataLogError,
  NetworkError,
  ObjectStoreError,
];

async function main(): Promise<number> {
  const log = createJsonLog({ level: "info", fields: {} });
  try {
    const environment = readBrokerEnvironment(process.env);
    const ownLog = createJsonLog({
      level: environment.MYELIN_LOG_LEVEL,
      fields: { cell: environment.MYELIN_CELL },
    });
    const life = createProcessLife(ownLog, brokerStops);
    const container = await startContainer(environment, { log: ownLog, onFatal: life.fail });
    const limitMs = environment.MYELIN_STOP_TIMEOUT_S * 1_000 - stopMarginMs;
    return await life.untilStopped({ limitMs, close: () => container.close() });
  } catch (error) {
    const isExpected = expectedFailures.some((kind) => error instanceof kind);
    const said = isExpected ? (error as Error).message : error;
    log.error("the broker cannot start", { error: said });
    return 1;
  }
}

// What still waits (a socket of the SDK, a timer) holds up nobody.
process.exit(await main());
