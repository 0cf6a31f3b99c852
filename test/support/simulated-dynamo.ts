import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { QueryCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoClient } from "../../adapters/dynamodb/calls.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { cancelled, createSimulatedTable, serviceError } from "./simulated-dynamo-table.ts";
import type { SimulatedTable } from "./simulated-dynamo-table.ts";

/** Each with the probability that a call meets it. */
export type DynamoFaults = {
  /** Refused for its rate; nothing was done. */
  throttled?: number;
  /** Another transaction was in its way; nothing was done. */
  conflicted?: number;
  /** Never arrives: the connection breaks, or no answer comes. */
  lost?: number;
  /** Is carried out, and the answer is lost. */
  answerLost?: number;
  /** Is carried out seconds later, when the caller has long given up waiting. */
  late?: number;
  /** Is carried out twice; the caller hears what the second time said. */
  twice?: number;
  /** A 500, which may or may not have done it. */
  failed?: number;
  /** A query reads the second half of its items later than the first. */
  torn?: number;
};

export type SimulatedDynamo = {
  readonly table: SimulatedTable;
  /** A client as of another process. */
  client(faults?: DynamoFaults): DynamoClient;
  /** Calls by the name of the command, as they were sent. */
  readonly sent: Map<string, number>;
  /** What becomes of the next calls, before any faults are drawn: null lets one pass. */
  readonly script: (Mishap | null)[];
};

export type Mishap =
  | { kind: "error"; error: Error }
  /** As `lost`, `answerLost` and `late` above; `isSilent` leaves the caller waiting. */
  | { kind: "lost" | "answerLost"; isSilent: boolean }
  | { kind: "late"; delayMs: number }
  | { kind: "twice" | "torn" };

export type SimulatedDynamoOptions = {
  clock: Clock;
  random: Random;
  /** Each way takes up to so long. */
  latencyMs?: number;
};

const throttles = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
];

export function createSimulatedDynamo(options: SimulatedDynamoOptions): SimulatedDynamo {
  const { clock, random, latencyMs = 0 } = options;
  const table = createSimulatedTable(() => clock.monotonicMs());
  const sent = new Map<string, number>();
  const script: (Mishap | null)[] = [];
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.after(ms, resolve));
  const travel = (): Promise<void> => wait(random.float() * latencyMs);

  async function answer(command: unknown, mishap: Mishap | null): Promise<object> {
    await travel();
    switch (mishap?.kind) {
      case undefined:
        break;
      case "error":
        throw mishap.error;
      case "lost":
        return mishap.isSilent ? forever() : connectionLost();
      case "answerLost":
        table.execute(command);
        return mishap.isSilent ? forever() : connectionLost();
      case "late":
        await wait(mishap.delayMs);
        break;
      case "twice":
        attempt(() => table.execute(command));
        break;
      case "torn":
        return tornQuery(command as QueryCommand);
    }
    const output = attempt(() => table.execute(command));
    await travel();
    return output();
  }

  async function tornQuery(command: QueryCommand): Promise<object> {
    const whole = table.execute(command) as { Items: object[] };
    const half = whole.Items.slice(0, Math.floor(random.float() * whole.Items.length));
    await wait(random.float() * 200);
    const later = table.execute(command) as { Items: { revision: { N: string } }[] };
    const lastRead = (half.at(-1) ?? null) as { revision: { N: string } } | null;
    const behind = later.Items.filter(
      ({ revision }) => lastRead === null || Number(revision.N) > Number(lastRead.revision.N),
    );
    return { ...later, Items: [...half, ...behind] };
  }

  function client(faults: DynamoFaults = {}): DynamoClient {
    const send = (
      command: object,
      { abortSignal }: { abortSignal?: AbortSignal } = {},
    ): Promise<object> => {
      const name = command.constructor.name.replace("Command", "");
      sent.set(name, (sent.get(name) ?? 0) + 1);
      const scripted = script.shift();
      const mishap = scripted === undefined ? drawMishap(command, faults, random) : scripted;
      return new Promise((resolve, reject) => {
        abortSignal?.addEventListener("abort", () => reject(aborted()));
        answer(command, mishap).then(resolve, reject);
      });
    };
    return { send: send as DynamoDBClient["send"] };
  }

  return { table, client, sent, script };
}

function drawMishap(command: object, faults: DynamoFaults, random: Random): Mishap | null {
  const happens = (probability = 0): boolean => random.float() < probability;
  const isSilent = random.float() < 0.5;
  const isTransaction = command instanceof TransactWriteItemsCommand;
  if (happens(faults.throttled)) {
    const name = throttles[Math.floor(random.float() * throttles.length)] ?? "Throttling";
    const reason = cancelled([{ Code: "ThrottlingError" }, { Code: "None" }]);
    return { kind: "error", error: isTransaction && isSilent ? reason : serviceError(name) };
  }
  const isRead = command instanceof QueryCommand || command.constructor.name === "GetItemCommand";
  if (!isRead && happens(faults.conflicted)) {
    const reason = cancelled([{ Code: "None" }, { Code: "TransactionConflict" }]);
    const single = serviceError("TransactionConflictException");
    return { kind: "error", error: isTransaction ? reason : single };
  }
  if (happens(faults.lost)) return { kind: "lost", isSilent };
  if (happens(faults.answerLost)) return { kind: "answerLost", isSilent };
  if (happens(faults.late)) return { kind: "late", delayMs: 500 + random.float() * 8_000 };
  if (happens(faults.twice)) return { kind: "twice" };
  if (happens(faults.failed)) {
    if (isSilent) return { kind: "answerLost", isSilent: false };
    return { kind: "error", error: serviceError("InternalServerError", 500) };
  }
  if (command instanceof QueryCommand && happens(faults.torn)) return { kind: "torn" };
  return null;
}

/** What a call came to, to be heard later. */
function attempt<Output>(run: () => Output): () => Output {
  try {
    const output = run();
    return () => output;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function connectionLost(): never {
  throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

function aborted(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}
