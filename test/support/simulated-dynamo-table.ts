// What DynamoDB does with the calls the metadata log makes: conditions and effects of items under a partition and a sort key, all or nothing, and the
// memory it has for requests. An expression it does not know is an error, so that nothing passes by chance.
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBServiceException,
  GetItemCommand,
  IdempotentParameterMismatchException,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type {
  AttributeValue,
  CancellationReason,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";

type Item = Record<string, AttributeValue>;
type Condition = {
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Record<string, AttributeValue> | undefined;
};
type Stored = { log: string; revision: number; item: Item };

export type SimulatedTable = {
  /** Takes effect here and now. Throws what the SDK throws. Tests put their own before it. */
  execute: (command: unknown) => object;
  /** The items of a partition key, by sort key. */
  itemsOf(log: string): Map<number, Item>;
};

const tokenLifeMs = 10 * 60_000;
const maxItemBytes = 400 * 1024;
const maxPageBytes = 1024 * 1024;
const answered = { $metadata: { httpStatusCode: 400 } };

export function createSimulatedTable(nowMs: () => number): SimulatedTable {
  const partitions = new Map<string, Map<number, Item>>();
  const tokens = new Map<string, { request: string; doneAtMs: number }>();

  function itemsOf(log: string): Map<number, Item> {
    const items = partitions.get(log) ?? new Map<number, Item>();
    partitions.set(log, items);
    return items;
  }

  const at = (key: Item | undefined): Stored | null => {
    const { log, revision } = placeOf(key);
    const item = itemsOf(log).get(revision);
    return item === undefined ? null : { log, revision, item };
  };

  function set(key: Item | undefined, item: Item | null): void {
    const { log, revision } = placeOf(key);
    if (item === null) {
      itemsOf(log).delete(revision);
      return;
    }
    if (sizeOf(item) > maxItemBytes) throw invalid("Item size has exceeded the maximum");
    itemsOf(log).set(revision, item);
  }

  function transact(input: TransactWriteItemsCommandInput): object {
    const token = input.ClientRequestToken;
    const request = JSON.stringify(input, withBinary);
    const known = token === undefined ? undefined : tokens.get(token);
    if (known !== undefined && nowMs() - known.doneAtMs < tokenLifeMs) {
      if (known.request === request) return {};
      throw new IdempotentParameterMismatchException({ message: "other parameters", ...answered });
    }
    const actions = input.TransactItems ?? [];
    const reasons = actions.map((action) => reasonAgainst(action, at(keyOf(action))));
    if (reasons.some(({ Code }) => Code !== "None")) throw cancelled(reasons);
    for (const { Put } of actions) if (Put !== undefined) set(Put.Item, Put.Item ?? null);
    if (token !== undefined) tokens.set(token, { request, doneAtMs: nowMs() });
    return {};
  }

  function update(input: UpdateItemCommandInput): object {
    const stored = at(input.Key);
    if (!holds(input, stored)) {
      const Item = input.ReturnValuesOnConditionCheckFailure === "ALL_OLD" ? stored?.item : null;
      const found = Item ? { Item } : {};
      throw new ConditionalCheckFailedException({ message: "unmet", ...found, ...answered });
    }
    const set1 = /^SET (#\w+) = (:\w+)$/.exec(input.UpdateExpression ?? "");
    if (set1 === null) throw unknownExpression(input.UpdateExpression);
    const [, name = "", value = ""] = set1;
    const changed = { ...input.Key, ...stored?.item, [named(input, name)]: valueOf(input, value) };
    set(input.Key, changed);
    return { Attributes: changed };
  }

  function query({ input }: QueryCommand): object {
    if (input.KeyConditionExpression !== "#log = :log AND #revision >= :revision") {
      throw unknownExpression(input.KeyConditionExpression);
    }
    if (input.ConsistentRead !== true) throw new Error("a read that may be stale");
    const from = Number(valueOf(input, ":revision").N);
    const found = [...itemsOf(valueOf(input, ":log").S ?? "")]
      .filter(([revision]) => revision >= from)
      .sort(([a], [b]) => (input.ScanIndexForward === false ? b - a : a - b));
    const page: Item[] = [];
    let bytes = 0;
    for (const [, item] of found) {
      if (page.length === input.Limit || bytes >= maxPageBytes) break;
      page.push(item);
      bytes += sizeOf(item);
    }
    const isCut = page.length === input.Limit || page.length < found.length;
    return { Items: page, ...(isCut ? { LastEvaluatedKey: {} } : {}) };
  }

  function execute(command: unknown): object {
    if (command instanceof TransactWriteItemsCommand) return transact(command.input);
    if (command instanceof UpdateItemCommand) return update(command.input);
    if (command instanceof QueryCommand) return query(command);
    if (command instanceof GetItemCommand) {
      if (command.input.ConsistentRead !== true) throw new Error("a read that may be stale");
      const item = at(command.input.Key)?.item;
      return item === undefined ? {} : { Item: item };
    }
    if (command instanceof PutItemCommand) set(command.input.Item, command.input.Item ?? null);
    else if (command instanceof DeleteItemCommand) set(command.input.Key, null);
    else throw new Error("a command that this table does not know");
    return {};
  }

  return { execute, itemsOf };
}

export function cancelled(reasons: CancellationReason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(", ");
  const message = `Transaction cancelled [${codes}]`;
  return new TransactionCanceledException({ message, CancellationReasons: reasons, ...answered });
}

/** An error of the service as the SDK gives it when it has no class for it. */
export function serviceError(name: string, httpStatusCode = 400): DynamoDBServiceException {
  const $fault = httpStatusCode < 500 ? "client" : "server";
  return new DynamoDBServiceException({
    name,
    message: "as the test wants it",
    $fault,
    $metadata: { httpStatusCode },
  });
}

function reasonAgainst(action: TransactWriteItem, stored: Stored | null): CancellationReason {
  const condition = action.Put ?? action.ConditionCheck;
  if (condition === undefined) throw new Error("an action that this table does not know");
  if (holds(condition, stored)) return { Code: "None" };
  const wantsItem = condition.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
  return {
    Code: "ConditionalCheckFailed",
    ...(wantsItem && stored !== null ? { Item: stored.item } : {}),
  };
}

function holds(condition: Condition, stored: Stored | null): boolean {
  const expression = condition.ConditionExpression;
  if (expression === undefined) return true;
  const existence = /^attribute_(not_)?exists\((#\w+)\)$/.exec(expression);
  if (existence !== null) {
    const [, not, name = ""] = existence;
    return (stored?.item[named(condition, name)] !== undefined) === (not === undefined);
  }
  const below = /^(#\w+) < (:\w+)$/.exec(expression);
  if (below === null) throw unknownExpression(expression);
  const [, name = "", value = ""] = below;
  const number = stored?.item[named(condition, name)]?.N;
  return number !== undefined && Number(number) < Number(valueOf(condition, value).N);
}

function keyOf(action: TransactWriteItem): Item | undefined {
  return action.Put?.Item ?? action.ConditionCheck?.Key;
}

function placeOf(key: Item | undefined): { log: string; revision: number } {
  const { log, revision } = key ?? {};
  if (log?.S === undefined || revision?.N === undefined) throw invalid("no key");
  return { log: log.S, revision: Number(revision.N) };
}

function named(condition: Condition, name: string): string {
  const found = condition.ExpressionAttributeNames?.[name];
  if (found === undefined) throw unknownExpression(name);
  return found;
}

function valueOf(condition: Condition, name: string): AttributeValue {
  const found = condition.ExpressionAttributeValues?.[name];
  if (found === undefined) throw unknownExpression(name);
  return found;
}

export function sizeOf(item: Item): number {
  let bytes = 0;
  for (const [name, { S, N, B }] of Object.entries(item)) {
    bytes += name.length + (S?.length ?? 0) + (N?.length ?? 0) + (B?.byteLength ?? 0);
  }
  return bytes;
}

function invalid(message: string): Error {
  return Object.assign(serviceError("ValidationException"), { message });
}

function unknownExpression(expression: string | undefined): Error {
  return new Error(`an expression that this table does not know: ${expression}`);
}

function withBinary(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
