import { GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Calls } from "./calls.ts";
import { names, numberValue, startOf, storedEntryOf } from "./table.ts";
import type { Item, Start, StoredEntry, Table } from "./table.ts";

/** Every read is strongly consistent: a stale one could hide an entry that its writer has been told of. */
export type Items = {
  get(key: Item): Promise<Item | null>;
  /** Null while the log is empty. */
  start(): Promise<Start | null>;
  /** What a bucket holds from a revision of it on, at most 1 MB at a time; `hasMore` if that cut it short. */
  page(
    fromRevision: number,
    limit: number,
  ): Promise<{ readonly stored: StoredEntry[]; readonly hasMore: boolean }>;
  /** The last of a bucket, at or behind a revision of it. */
  last(fromRevision: number): Promise<StoredEntry | null>;
};

export function createItems(calls: Calls, table: Table): Items {
  function query(fromRevision: number, limit: number, isForward: boolean) {
    const command = new QueryCommand({
      TableName: table.name,
      ConsistentRead: true,
      KeyConditionExpression: "#log = :log AND #revision >= :revision",
      ExpressionAttributeNames: { ...names.log, ...names.revision },
      ExpressionAttributeValues: {
        ":log": { S: table.bucketOf(fromRevision) },
        ":revision": numberValue(fromRevision),
      },
      ScanIndexForward: isForward,
      Limit: limit,
    });
    return calls.complete((client, options) => client.send(command, options));
  }

  async function get(key: Item): Promise<Item | null> {
    const command = new GetItemCommand({ TableName: table.name, Key: key, ConsistentRead: true });
    const { Item } = await calls.complete((client, options) => client.send(command, options));
    return Item ?? null;
  }

  return {
    get,
    async start() {
      const item = await get(table.startKey);
      return item === null ? null : startOf(item);
    },
    async page(fromRevision, limit) {
      const { Items: items, LastEvaluatedKey } = await query(fromRevision, limit, true);
      return {
        stored: (items ?? []).map(storedEntryOf),
        hasMore: LastEvaluatedKey !== undefined,
      };
    },
    async last(fromRevision) {
      const item = (await query(fromRevision, 1, false)).Items?.[0];
      return item === undefined ? null : storedEntryOf(item);
    },
  };
}
