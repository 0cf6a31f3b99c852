import { movingPartitions } from "../metadata/commands/advance-moves.ts";
import { evacuationProgress } from "../metadata/commands/evacuate-broker.ts";
import type { BrokerEvacuation, EvacuationProgress } from "../metadata/commands/evacuate-broker.ts";
import { isMoving, targetReplicas } from "../metadata/commands/replica-moves.ts";
import { sleepProgress } from "../metadata/commands/sleep-cell.ts";
import type { SleepProgress } from "../metadata/commands/sleep-cell.ts";
import type { Image, Partition, Topic } from "../metadata/image/image.ts";
import { inServiceIn } from "../metadata/image/image.ts";
import type { CellSleep } from "../metadata/records/cell.ts";
import { noLeader } from "../metadata/records/partition.ts";
import type { Operation } from "./api-types.ts";
import { isoTime } from "./iso-time.ts";

// Long work is state in the metadata log, so an operation is nothing that is stored: its id says what was wanted (this broker empty, these replicas for
// that partition), and the image says how far that is. It is the same operation whoever began it, and whichever process is asked.

/** `drain-<broker>-<revision it began at>`: a later drain of the same broker is another one. */
export function drainId({ brokerId, evacuation }: BrokerEvacuation): string {
  return `drain-${brokerId}-${evacuation.revision}`;
}

/** `move-<topic id>-<partition>-<replicas it is to have>` */
export function moveId(topicId: string, index: number, target: readonly number[]): string {
  return `move-${topicId}-${index}-${target.join(".")}`;
}

/** `sleep-<revision it was asked for at>` */
function sleepId({ revision }: CellSleep): string {
  return `sleep-${revision}`;
}

const drainPattern = /^drain-(\d{1,15})-(\d{1,15})$/;
const movePattern = /^move-([\w-]{22})-(\d{1,10})-(\d{1,15}(?:\.\d{1,15})*)$/;

/** Null if the cell has none of this id: the broker or topic is not there, or the drain or sleep was taken back. */
export function operationOf(image: Image, id: string): Operation | null {
  const { sleep } = image;
  if (sleep.state !== "awake" && id === sleepId(sleep)) {
    return sleepOperation(sleep, sleepProgress(image));
  }
  const drain = drainPattern.exec(id);
  if (drain !== null) {
    const brokerId = Number(drain[1]);
    const evacuation = image.brokers.get(brokerId)?.evacuation ?? null;
    if (evacuation?.revision !== Number(drain[2])) return null;
    const progress = evacuationProgress(image, brokerId);
    return drainOperation({ brokerId, evacuation }, progress);
  }
  const move = movePattern.exec(id);
  if (move === null) return null;
  const [, topicId = "", index, target = ""] = move;
  const topic = image.topics.get(topicId);
  const partition = topic?.partitions[Number(index)];
  if (topic === undefined || partition === undefined) return null;
  return moveOperation(image, { topic, partition, target: target.split(".").map(Number) });
}

/** All that the cell has under way, in the order of their ids: its sleep, drains, and moves whoever began them. */
export function operationsOf(image: Image): Operation[] {
  const found: Operation[] = [];
  const { sleep } = image;
  if (sleep.state !== "awake") found.push(sleepOperation(sleep, sleepProgress(image)));
  for (const { brokerId, evacuation } of image.brokers.values()) {
    if (evacuation === null) continue;
    const progress = evacuationProgress(image, brokerId);
    found.push(drainOperation({ brokerId, evacuation }, progress));
  }
  for (const { topic, partition } of movingPartitions(image)) {
    found.push(moveOperation(image, { topic, partition, target: targetReplicas(partition) }));
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function sleepOperation(sleep: CellSleep, progress: SleepProgress): Operation {
  const { restingCount, partitionCount, leaderlessCount } = progress;
  const isBlocked = leaderlessCount > 0 && restingCount + leaderlessCount === partitionCount;
  const error = `${leaderlessCount} partitions have no leader who could bring them to the object store: start the brokers that hold them, or wake the cell`;
  const state = sleep.state === "asleep" ? "done" : isBlocked ? "blocked" : "running";
  return {
    id: sleepId(sleep),
    kind: "sleep",
    state,
    progress: { done: restingCount, total: partitionCount, unit: "partitions" },
    ...(state !== "done" && leaderlessCount > 0 ? { error } : {}),
    started_at: isoTime(sleep.startedAtMs),
  };
}

export function drainOperation(drain: BrokerEvacuation, held: EvacuationProgress): Operation {
  const { brokerId, evacuation } = drain;
  const { heldCount, movingCount, stuckCount, leaderlessCount } = held;
  // Only a fenced broker's return or a reassignment by hand can make it more than there were.
  const total = Math.max(evacuation.replicaCount, heldCount);
  const waitingCount = heldCount - movingCount - stuckCount - leaderlessCount;
  const error = heldCount === 0 ? null : drainTrouble(brokerId, held);
  const isBlocked = heldCount > 0 && movingCount === 0 && waitingCount === 0;
  return {
    id: drainId(drain),
    kind: "drain",
    state: heldCount === 0 ? "done" : isBlocked ? "blocked" : "running",
    progress: { done: total - heldCount, total, unit: "partitions" },
    ...(error === null ? {} : { error }),
    started_at: isoTime(evacuation.startedAtMs),
    broker_id: brokerId,
  };
}

function drainTrouble(
  brokerId: number,
  { stuckCount, leaderlessCount }: EvacuationProgress,
): string | null {
  const troubles: string[] = [];
  if (stuckCount > 0) {
    troubles.push(
      `${stuckCount} partitions of broker ${brokerId} have a replica on every broker that takes them in: add a broker, or give them fewer replicas`,
    );
  }
  if (leaderlessCount > 0) {
    troubles.push(`${leaderlessCount} of its partitions have no leader, and are not moved without`);
  }
  return troubles.length === 0 ? null : troubles.join("; ");
}

export type WantedMove = { topic: Topic; partition: Partition; target: readonly number[] };

export function moveOperation(image: Image, move: WantedMove): Operation {
  const { topic, partition, target } = move;
  const isWanted = targetReplicas(partition).join() === target.join();
  const error = isWanted && isMoving(partition) ? moveTrouble(image, partition) : null;
  const inSyncCount = target.filter((id) => partition.isr.includes(id)).length;
  const state = !isWanted
    ? "canceled"
    : !isMoving(partition)
      ? "done"
      : error === null
        ? "running"
        : "blocked";
  return {
    id: moveId(topic.topicId, partition.index, target),
    kind: "move",
    state,
    progress: {
      done: state === "done" ? target.length : inSyncCount,
      total: target.length,
      unit: "replicas",
    },
    ...(error === null ? {} : { error }),
    partition: {
      cluster_id: topic.clusterId,
      topic_name: topic.name,
      partition_id: partition.index,
      replicas: [...target],
      adding_replicas: [...partition.adding],
      removing_replicas: [...partition.removing],
    },
  };
}

function moveTrouble(image: Image, partition: Partition): string | null {
  if (partition.leader === noLeader) {
    return "the partition has no leader to copy from; it goes on once it has";
  }
  const isInService = inServiceIn(image);
  const absent = partition.adding.filter((id) => !isInService(id));
  if (absent.length === 0) return null;
  const [who, back] =
    absent.length === 1
      ? [`broker ${absent[0]} is`, "it is"]
      : [`brokers ${absent.join(", ")} are`, "they are"];
  return `${who} out of service: the move goes on once ${back} back; or cancel it`;
}
