import type { Connection, Consumer } from "@platformatic/kafka";
import {
  findCoordinatorV1,
  findCoordinatorV2,
  findCoordinatorV3,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
  FindCoordinatorKeyTypes,
} from "@platformatic/kafka";
import { abandon } from "./any-broker.ts";
import type { LookUp } from "./partition-leaders.ts";

export type CoordinatorWatchOptions = {
  /** The group's member: its connections are what is given up. */
  readonly client: Pick<Consumer, "on" | "connections" | "coordinatorId">;
  readonly group: string;
  /** Over other connections: on the member's own a question would stand behind what is waited for. */
  readonly lookUp: LookUp;
};

/** A coordinator that is slow is left alone for so long. */
const patienceMs = 4_000;
const lookEveryMs = 2_000;

const versions = [
  findCoordinatorV1,
  findCoordinatorV2,
  findCoordinatorV3,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
].map(({ api }) => api);

/**
 * Joining a group may take its answer a minute, so that an answer is waited for longer than that; from a host that is gone none will ever come. While one is
 * due, this asks others who coordinates the group by now, and if it is somebody else, ends the waiting. The result stops it.
 */
export function watchCoordinator({ client, group, lookUp }: CoordinatorWatchOptions): () => void {
  let waitingSinceMs: number | null = null;
  let isLooking = false;
  const asked = (): void => void (waitingSinceMs ??= performance.now());
  const answered = (): void => void (waitingSinceMs = null);
  client.on("consumer:heartbeat:start", asked);
  client.on("consumer:group:rebalance", asked);
  for (const event of ["end", "error", "cancel"] as const)
    client.on(`consumer:heartbeat:${event}`, answered);
  client.on("consumer:group:join", answered);
  client.on("error", answered);

  async function look(): Promise<void> {
    if (isLooking || waitingSinceMs === null) return;
    if (performance.now() - waitingSinceMs < patienceMs) return;
    isLooking = true;
    const before = client.coordinatorId;
    const now = await coordinatorOf(lookUp, group).catch(() => null);
    isLooking = false;
    if (now === null || before === null || now === before || waitingSinceMs === null) return;
    waitingSinceMs = null;
    for (const [, connection] of client.connections) abandon(connection);
  }

  const timer = setInterval(() => void look(), lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Its node id; null while there is none. */
async function coordinatorOf(
  { brokers, chooseApi }: LookUp,
  group: string,
): Promise<number | null> {
  const api = await chooseApi("FindCoordinator", versions);
  const ask = (connection: Connection) =>
    api.async(connection, FindCoordinatorKeyTypes.GROUP, [group]);
  const [found] = (await brokers.ask(ask)).coordinators;
  return found === undefined || found.errorCode !== 0 ? null : found.nodeId;
}
