import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Calls } from "./calls.ts";
import type { Reads } from "./reads.ts";
import { names, numberValue, startOf } from "./table.ts";
import type { Start, Table } from "./table.ts";

/** Deletions between two notes of how far they have come, so that a process that ends in between does not cost them again. */
const deletionsPerNote = 100;

/**
 * Deletes entries one by one, in ascending order: if an entry were there without the one behind it, it would look like the head to a writer that
 * was paused at it. (Batches promise no order, and transactions have a size limit that the largest entries would pass.) Readers are told first.
 */
export function createTrim({
  calls,
  table,
  reads,
  assertOpen,
}: {
  calls: Calls;
  table: Table;
  reads: Reads;
  assertOpen: () => void;
}): (beforeRevision: number) => Promise<void> {
  /** Moves `first` up, never down. Null for an empty log. */
  async function raiseFirst(revision: number): Promise<Start | null> {
    const command = new UpdateItemCommand({
      TableName: table.name,
      Key: table.startKey,
      UpdateExpression: "SET #first = :first",
      ConditionExpression: "#first < :first",
      ExpressionAttributeNames: names.first,
      ExpressionAttributeValues: { ":first": numberValue(revision) },
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const answer = await calls.run((client, options) => client.send(command, options));
    if (answer.kind === "failed") throw answer.error;
    const item = answer.kind === "done" ? answer.output.Attributes : answer.stored[0];
    return item === undefined ? null : startOf(item);
  }

  async function noteSwept(revision: number): Promise<void> {
    const command = new UpdateItemCommand({
      TableName: table.name,
      Key: table.startKey,
      UpdateExpression: "SET #swept = :swept",
      ConditionExpression: "#swept < :swept",
      ExpressionAttributeNames: names.swept,
      ExpressionAttributeValues: { ":swept": numberValue(revision) },
    });
    const answer = await calls.run((client, options) => client.send(command, options));
    // Unmet: another process has come further.
    if (answer.kind === "failed") throw answer.error;
  }

  /** Nothing puts an entry back, so a deletion that arrives late or twice does no harm. */
  async function remove(revision: number): Promise<void> {
    const key = table.keyOf(revision);
    if (table.isLastOfBucket(revision)) {
      const item = { ...key, trimmed: { BOOL: true } };
      const command = new PutItemCommand({ TableName: table.name, Item: item });
      await calls.complete((client, options) => client.send(command, options));
      return;
    }
    const command = new DeleteItemCommand({ TableName: table.name, Key: key });
    await calls.complete((client, options) => client.send(command, options));
  }

  return async (beforeRevision) => {
    const isBelowHead = beforeRevision <= reads.seenRevision;
    const before = isBelowHead ? beforeRevision : Math.min(beforeRevision, await reads.head());
    const start = await raiseFirst(before);
    if (start === null) return;
    for (let revision = start.swept; revision < start.first; revision++) {
      assertOpen();
      await remove(revision);
      const isNote = (revision + 1 - start.swept) % deletionsPerNote === 0;
      if (isNote || revision + 1 === start.first) await noteSwept(revision + 1);
    }
  };
}
