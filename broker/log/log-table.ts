import { assert } from "../assert.ts";
import type { LogContext } from "./stored-log.ts";
import { StoredLog } from "./stored-log.ts";

/** The logs there are, by name and by the number entries use. */
export type LogTable = {
  readonly byNumber: Map<number, StoredLog>;
  readonly byTopic: Map<string, Map<number, StoredLog>>;
  nextNumber: number;
};

export function createLogTable(): LogTable {
  return { byNumber: new Map(), byTopic: new Map(), nextNumber: 1 };
}

export function findLog(table: LogTable, topicId: string, index: number): StoredLog | undefined {
  return table.byTopic.get(topicId)?.get(index);
}

export function addLog(
  table: LogTable,
  context: LogContext,
  identity: { topicId: string; index: number; number: number },
): StoredLog {
  const log = new StoredLog(context, identity);
  let logs = table.byTopic.get(identity.topicId);
  if (logs === undefined) {
    logs = new Map();
    table.byTopic.set(identity.topicId, logs);
  }
  assert(!logs.has(identity.index), "one log per partition");
  logs.set(identity.index, log);
  table.byNumber.set(identity.number, log);
  table.nextNumber = Math.max(table.nextNumber, identity.number + 1);
  return log;
}

export function removeLog(table: LogTable, log: StoredLog): void {
  table.byNumber.delete(log.number);
  const logs = table.byTopic.get(log.topicId);
  logs?.delete(log.index);
  if (logs?.size === 0) table.byTopic.delete(log.topicId);
}
