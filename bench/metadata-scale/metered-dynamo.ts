import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoClient } from "../../adapters/dynamodb/calls.ts";
import type { Clock } from "../../ports/clock.ts";
import { cancelled, serviceError, sizeOf } from "../../test/support/simulated-dynamo-table.ts";
import type { SimulatedDynamo } from "../../test/support/simulated-dynamo.ts";

type Item = Record<string, AttributeValue>;

/** What the table was asked for, in calls and in what AWS counts. */
export type Bill = {
  readonly calls: ReadonlyMap<string, number>;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly throttledCount: number;
};

/** us-east-1, on demand (docs/decisions/0008). */
const dollarsPerReadUnit = 0.125 / 1e6;
const dollarsPerWriteUnit = 0.625 / 1e6;

export function dollarsOf({ readUnits, writeUnits }: Bill): number {
  return readUnits * dollarsPerReadUnit + writeUnits * dollarsPerWriteUnit;
}

/** What AWS gives one partition of a table in a second. A bucket of the log is one partition key, so all of a cell's calls go to one. */
export type PartitionLimits = {
  readonly readUnitsPerSecond: number;
  readonly writeUnitsPerSecond: number;
};

export const awsLimits: PartitionLimits = { readUnitsPerSecond: 3_000, writeUnitsPerSecond: 1_000 };

const readUnitBytes = 4 * 1024;
const writeUnitBytes = 1024;

export type MeteredDynamo = {
  client(): DynamoClient;
  /** Since the last call. */
  takeBill(): Bill;
};

/**
 * A simulated table's clients, with the units of each call counted as decision 0008 has them and refused beyond what a partition gives. Who is refused is
 * told at once, and tries again as the adapter does.
 */
export function meterDynamo(
  dynamo: SimulatedDynamo,
  clock: Clock,
  limits: PartitionLimits = awsLimits,
): MeteredDynamo {
  let bill = emptyBill();
  const buckets = new Map<string, ReturnType<typeof createTokens>>();
  const tokensOf = (key: string) => {
    let found = buckets.get(key);
    if (found === undefined) {
      found = createTokens(clock, limits);
      buckets.set(key, found);
    }
    return found;
  };
  const itemAt = ({ log, revision }: Item): Item | undefined =>
    dynamo.table.itemsOf(log?.S ?? "").get(Number(revision?.N));

  function count(name: string, units: { reads?: number; writes?: number }): void {
    const { reads = 0, writes = 0 } = units;
    bill.calls.set(name, (bill.calls.get(name) ?? 0) + 1);
    bill.readUnits += reads;
    bill.writeUnits += writes;
  }

  return {
    client() {
      const plain = dynamo.client();
      const send = async (command: object, options?: object): Promise<object> => {
        const name = command.constructor.name.replace("Command", "");
        const key = partitionKeyOf(command);
        const tokens = tokensOf(key);
        const isWrite = !(command instanceof QueryCommand || command instanceof GetItemCommand);
        if (tokens.isSpent(isWrite)) {
          bill.throttledCount += 1;
          throw refusal(command);
        }
        // A write whose condition does not hold is paid for like any other.
        if (isWrite) {
          const writes = writeUnitsOf(command, itemAt);
          tokens.spend(isWrite, writes);
          count(name, { writes });
          return plain.send(command as never, options);
        }
        const output: object = await plain.send(command as never, options);
        const reads = readUnitsOf(output);
        tokens.spend(isWrite, reads);
        count(name, { reads });
        return output;
      };
      return { send: send as DynamoDBClient["send"] };
    },
    takeBill() {
      const taken = bill;
      bill = emptyBill();
      return taken;
    },
  };
}

function emptyBill() {
  return { calls: new Map<string, number>(), readUnits: 0, writeUnits: 0, throttledCount: 0 };
}

function refusal(command: object): Error {
  return command instanceof TransactWriteItemsCommand
    ? cancelled([{ Code: "ThrottlingError" }, { Code: "ThrottlingError" }])
    : serviceError("ThrottlingException");
}

/** A second's worth at most: no burst is reckoned with. What a call took beyond what was there is owed. */
function createTokens(clock: Clock, limits: PartitionLimits) {
  const left = { reads: limits.readUnitsPerSecond, writes: limits.writeUnitsPerSecond };
  let filledMs = clock.monotonicMs();
  function fill(): void {
    const seconds = (clock.monotonicMs() - filledMs) / 1_000;
    filledMs = clock.monotonicMs();
    const { readUnitsPerSecond: reads, writeUnitsPerSecond: writes } = limits;
    left.reads = Math.min(reads, left.reads + reads * seconds);
    left.writes = Math.min(writes, left.writes + writes * seconds);
  }
  return {
    isSpent(isWrite: boolean): boolean {
      fill();
      return (isWrite ? left.writes : left.reads) <= 0;
    },
    spend(isWrite: boolean, units: number): void {
      fill();
      if (isWrite) left.writes -= units;
      else left.reads -= units;
    },
  };
}

function partitionKeyOf(command: object): string {
  if (command instanceof QueryCommand) {
    return command.input.ExpressionAttributeValues?.[":log"]?.S ?? "";
  }
  if (command instanceof TransactWriteItemsCommand) {
    const put = command.input.TransactItems?.find(({ Put }) => Put !== undefined)?.Put;
    return put?.Item?.["log"]?.S ?? "";
  }
  return keyOf(command)["log"]?.S ?? "";
}

function keyOf(command: object): Item {
  if (command instanceof PutItemCommand) return command.input.Item ?? {};
  if (command instanceof UpdateItemCommand || command instanceof DeleteItemCommand) {
    return command.input.Key ?? {};
  }
  if (command instanceof GetItemCommand) return command.input.Key ?? {};
  throw new Error("a command that is not reckoned with");
}

function readUnitsOf(output: object): number {
  const { Items = [], Item } = output as { Items?: Item[]; Item?: Item };
  const items = Item === undefined ? Items : [Item];
  const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
  return Math.max(1, Math.ceil(bytes / readUnitBytes));
}

function writeUnitsOf(command: object, itemAt: (key: Item) => Item | undefined): number {
  const unitsOf = (item: Item | undefined) =>
    Math.max(1, Math.ceil((item === undefined ? 0 : sizeOf(item)) / writeUnitBytes));
  if (!(command instanceof TransactWriteItemsCommand)) {
    const item = itemAt(keyOf(command));
    const put = command instanceof PutItemCommand ? unitsOf(command.input.Item) : 1;
    return Math.max(put, unitsOf(item));
  }
  const actions = command.input.TransactItems ?? [];
  return actions.reduce((sum, { Put, ConditionCheck }) => {
    const item = Put?.Item ?? itemAt(ConditionCheck?.Key ?? {});
    return sum + 2 * unitsOf(item);
  }, 0);
}
