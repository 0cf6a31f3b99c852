import type { BrokerDescription } from "../../../sdk/src/control/cell.ts";
import type { Myelin } from "../../../sdk/src/myelin.ts";
import type { Task } from "./task.ts";
import { brokerIn, isRunning } from "./task.ts";

/** A task that ECS stopped because fewer were wanted: which broker it was, what that held, and how many tasks there were to choose from. */
export type Stopped = {
  readonly broker: number;
  readonly freeCount: number;
  readonly replicas: number | undefined;
};

/** Of tasks that ECS may stop it takes one that the cell does not mean, if there is one: what the reconcile function has it keep and free is all that guides it. */
export async function chooseUnkindly(
  { cell }: Myelin,
  free: readonly Task[],
): Promise<{ task: Task; stopped: Stopped }> {
  const { brokers } = await cell.status();
  const found = free.map((task) => {
    const id = brokerIn(task);
    return { task, id, broker: brokers.find((each) => each.id === id) };
  });
  const chosen = found.find(({ broker }) => broker?.drain === null) ?? found[0];
  if (chosen === undefined) throw new Error("there is none to choose from");
  const { task, id, broker } = chosen;
  return { task, stopped: { broker: id, freeCount: free.length, replicas: broker?.replicas } };
}

/** Ends the process of a broker that has been emptied, and says which it was; null while there is none. */
export async function loseEmptied(
  { cell }: Myelin,
  tasks: readonly Task[],
): Promise<number | null> {
  const { brokers } = await cell.status();
  const empty = brokers.find(isEmptied);
  const task = tasks.find((each) => isRunning(each) && brokerIn(each) === empty?.id);
  if (empty === undefined || task === undefined) return null;
  await task.broker?.stop("SIGKILL");
  return empty.id;
}

function isEmptied({ drain, replicas, state }: BrokerDescription): boolean {
  return drain !== null && replicas === 0 && state === "active";
}
