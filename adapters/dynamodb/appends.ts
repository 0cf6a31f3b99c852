import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { Random } from "../../ports/random.ts";
import type { Calls } from "./calls.ts";
import { unavailable } from "./calls.ts";
import type { Items } from "./items.ts";
import { names, numberValue, writerOf } from "./table.ts";
import type { Item, Table } from "./table.ts";

type Outcome = "accepted" | "conflict";

export type Appends = {
  append(revision: number, entry: Uint8Array): Promise<Outcome>;
  genesis(revision: number, entry: Uint8Array): Promise<Outcome>;
};

/**
 * Each call writes 16 random bytes with its entry. They say whose entry stands where an attempt found the place taken: a call that timed out may
 * have been carried out all the same, and its next attempt then meets its own entry.
 */
const writerBytes = 16;

/** A transaction, and which of its actions takes the place that tells who was first. */
type Claim = { actions: TransactWriteItem[]; place: number; key: Item };

export function createAppends({
  calls,
  table,
  items,
  random,
}: {
  calls: Calls;
  table: Table;
  items: Items;
  random: Random;
}): Appends {
  async function take(claimFor: (writer: Uint8Array) => Claim): Promise<Outcome> {
    const writer = random.bytes(writerBytes);
    const { actions, place, key } = claimFor(writer);
    const command = new TransactWriteItemsCommand({
      TransactItems: actions,
      // For ten minutes DynamoDB itself answers a repeated request as it did the first time.
      ClientRequestToken: Buffer.from(writer).toString("hex"),
    });
    const answer = await calls.run((client, options) => client.send(command, options));
    if (answer.kind === "done") return "accepted";
    if (answer.kind === "failed" && !answer.wasUncertain) throw answer.error;
    const found = answer.kind === "unmet" ? answer.stored[place] : undefined;
    const stored = found ?? (answer.wasUncertain ? await items.get(key) : null);
    const owner = stored === null ? null : writerOf(stored);
    if (owner !== null) return Buffer.compare(owner, writer) === 0 ? "accepted" : "conflict";
    // Nobody's: the predecessor is missing. Ours may have been here and gone with a trim, or may arrive yet, unless every attempt was refused.
    if (!answer.wasUncertain) return "conflict";
    if (answer.kind === "failed") throw answer.error;
    throw unavailable(new Error("an attempt timed out, and whether it succeeded cannot be told"));
  }

  return {
    async append(revision, entry) {
      if (!Number.isSafeInteger(revision) || revision <= 1) return "conflict";
      return take((writer) => ({
        actions: [entryExists(table, revision - 1), putEntry(table, { revision, entry, writer })],
        place: 1,
        key: table.keyOf(revision),
      }));
    },
    async genesis(revision, entry) {
      if (!Number.isSafeInteger(revision) || revision < 1) return "conflict";
      return take((writer) => ({
        actions: [
          putStart(table, { revision, writer }),
          putEntry(table, { revision, entry, writer }),
        ],
        place: 0,
        key: table.startKey,
      }));
    },
  };
}

/** What is left of a trimmed entry does not count as one: a writer paused across the trim would append to the past. */
function entryExists(table: Table, revision: number): TransactWriteItem {
  return {
    ConditionCheck: {
      TableName: table.name,
      Key: table.keyOf(revision),
      ConditionExpression: "attribute_exists(#entry)",
      ExpressionAttributeNames: names.entry,
    },
  };
}

function putEntry(
  table: Table,
  { revision, entry, writer }: { revision: number; entry: Uint8Array; writer: Uint8Array },
): TransactWriteItem {
  return putIfAbsent(table, {
    ...table.keyOf(revision),
    entry: { B: entry },
    writer: { B: writer },
  });
}

function putStart(
  table: Table,
  { revision, writer }: { revision: number; writer: Uint8Array },
): TransactWriteItem {
  const first = numberValue(revision);
  return putIfAbsent(table, { ...table.startKey, first, swept: first, writer: { B: writer } });
}

function putIfAbsent(table: Table, item: Item): TransactWriteItem {
  return {
    Put: {
      TableName: table.name,
      Item: item,
      ConditionExpression: "attribute_not_exists(#log)",
      ExpressionAttributeNames: names.log,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    },
  };
}
