import { awake } from "../records/cell.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { fieldsOf } from "../records/record-kind.ts";
import type { MetadataRecord } from "../records/table.ts";
import { expectNothingOf, forgetQuestions } from "./apply-questions.ts";
import type { MetadataChange } from "./changes.ts";
import { idempotencyKeyId } from "./image.ts";
import type { Broker } from "./image.ts";
import type { MutableImage } from "./mutable-image.ts";

type RecordOfKind<Kind extends MetadataRecord["kind"]> = Extract<MetadataRecord, { kind: Kind }>;

export function applyGenesis(
  image: MutableImage,
  { cellId, level, createdAtMs }: RecordOfKind<"genesis">,
): MetadataChange[] {
  image.cellId = cellId;
  image.level = level;
  image.createdAtMs = createdAtMs;
  return [{ kind: "levelChanged" }];
}

export function applyController(
  image: MutableImage,
  { brokerId, epoch }: RecordOfKind<"controller">,
): MetadataChange[] {
  const before = image.controller;
  const isSuccessor = brokerId !== null && brokerId !== before.brokerId;
  if (epoch < before.epoch || (isSuccessor && epoch === before.epoch && image.revision > 0)) {
    throw new MetadataDecodeError("corrupt", `the epoch of the controller does not grow`);
  }
  image.controller = { brokerId, epoch };
  // Each was about the term before, or asked by it.
  image.questions.clear();
  return [{ kind: "controllerChanged" }];
}

export function applyCellSleep(
  image: MutableImage,
  record: RecordOfKind<"cellSleep">,
): MetadataChange[] {
  image.sleep = record.state === "awake" ? awake : fieldsOf(record);
  return [{ kind: "cellSleepChanged" }];
}

export function applyBroker(image: MutableImage, record: RecordOfKind<"broker">): MetadataChange[] {
  const broker = fieldsOf(record);
  const { brokerId } = broker;
  if ((image.brokers.get(brokerId)?.epoch ?? 0) >= broker.epoch) {
    throw new MetadataDecodeError("corrupt", `the epoch of broker ${brokerId} goes back`);
  }
  image.brokers.set(brokerId, broker);
  forgetQuestions(image, brokerId);
  image.nextBrokerId = Math.max(image.nextBrokerId, brokerId + 1);
  return [{ kind: "brokerRegistered", brokerId }];
}

export function applyBrokerState(
  image: MutableImage,
  { brokerId, state, isLost }: RecordOfKind<"brokerState">,
): MetadataChange[] {
  image.brokers.set(brokerId, { ...presentBroker(image, brokerId), state, isLost });
  if (state === "fenced") expectNothingOf(image, brokerId);
  return [{ kind: "brokerStateChanged", brokerId }];
}

export function applyBrokerUnregistered(
  image: MutableImage,
  { brokerId }: RecordOfKind<"brokerUnregistered">,
): MetadataChange[] {
  image.brokers.delete(brokerId);
  forgetQuestions(image, brokerId);
  return [{ kind: "brokerUnregistered", brokerId }];
}

/** No change that anybody follows: whoever places replicas looks at the image when it does. */
export function applyBrokerEvacuation(
  image: MutableImage,
  { brokerId, evacuation }: RecordOfKind<"brokerEvacuation">,
): MetadataChange[] {
  image.brokers.set(brokerId, { ...presentBroker(image, brokerId), evacuation });
  return [];
}

function presentBroker(image: MutableImage, brokerId: number): Broker {
  const broker = image.brokers.get(brokerId);
  if (broker !== undefined) return broker;
  throw new MetadataDecodeError("corrupt", `a record names broker ${brokerId}, which is not there`);
}

export function applyCounters(image: MutableImage, counters: RecordOfKind<"counters">): void {
  image.nextBrokerId = counters.nextBrokerId;
  image.nextPortOffset = counters.nextPortOffset;
  image.nextProducerId = counters.nextProducerId;
}

export function applyProducerIds(
  image: MutableImage,
  { first, count }: RecordOfKind<"producerIds">,
): void {
  if (first < image.nextProducerId) {
    throw new MetadataDecodeError("corrupt", `producer id ${first} is handed out twice`);
  }
  image.nextProducerId = first + count;
}

export function applyIdempotencyKey(
  image: MutableImage,
  record: RecordOfKind<"idempotencyKey">,
): void {
  const entry = fieldsOf(record);
  forgetKey(image, entry.scope, entry.key);
  image.idempotencyKeys.set(idempotencyKeyId(entry.scope, entry.key), entry);
  image.idempotencyBytes += entry.scope.length + entry.key.length + entry.reply.length;
}

export function applyIdempotencyExpired(
  image: MutableImage,
  { keys }: RecordOfKind<"idempotencyExpired">,
): void {
  for (const { scope, key } of keys) forgetKey(image, scope, key);
}

function forgetKey(image: MutableImage, scope: string, key: string): void {
  const id = idempotencyKeyId(scope, key);
  const known = image.idempotencyKeys.get(id);
  if (known === undefined) return;
  image.idempotencyKeys.delete(id);
  image.idempotencyBytes -= scope.length + key.length + known.reply.length;
}
