import type { Fields, TypeNode, VersionRange } from "../../protocol/schema/types.ts";
import type { Message } from "../../protocol/schema/message.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import { writeRequestFrame } from "../../protocol/api-frame.ts";
import type { Dice } from "./nonsense.ts";
import { batchOf } from "./records.ts";

/** What strings and ids are taken from, so that requests meet things that exist. */
export type Vocabulary = {
  readonly strings: readonly string[];
  readonly topicIds: readonly string[];
};

type AnyMessage = Message<unknown, never>;

/** Numbers at which something changes, and a few in between. */
const numbers = [-2, -1, 0, 0, 1, 1, 2, 3, 7, 100, 1_000, 65_536, 0x7fff_ffff, -0x8000_0000];
const sizes: Record<string, number> = { int8: 8, int16: 16, int32: 32 };

/** A request frame that any decoder accepts, of values drawn at random. */
export function randomRequest(
  dice: Dice,
  request: AnyMessage,
  { version, vocabulary }: { version: number; vocabulary: Vocabulary },
): Buffer {
  const body = struct({ dice, version, vocabulary }, request.fields);
  const origin = { correlationId: dice(1_000_000), clientId: dice(4) === 0 ? null : "random" };
  const { parts } = writeRequestFrame(request, version, origin, body as never);
  return Buffer.concat(parts as readonly Uint8Array[]);
}

type Draw = { readonly dice: Dice; readonly version: number; readonly vocabulary: Vocabulary };

function struct(draw: Draw, fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, node]) => isIn(node.versions, draw.version))
      .map(([name, node]) => [name, value(draw, node, name)]),
  );
}

function isIn(versions: VersionRange | undefined, version: number): boolean {
  return versions === undefined || (version >= versions[0] && version <= versions[1]);
}

function value(draw: Draw, node: TypeNode, name: string): unknown {
  const { dice, vocabulary } = draw;
  const mayBeNull = node.nullable !== undefined && isIn(node.nullable, draw.version);
  if (mayBeNull && dice(5) === 0) return null;
  switch (node.kind) {
    case "bool":
      return dice(2) === 0;
    case "int8":
    case "int16":
    case "int32":
      return wrap(number(dice, name), sizes[node.kind] ?? 32);
    case "int64":
      return dice(10) === 0 ? Number.MAX_SAFE_INTEGER : number(dice, name);
    case "uint16":
    case "uint32":
      return dice(65_536);
    case "float64":
      return dice(1_000) / 7;
    case "uuid":
      return pick(dice, [...vocabulary.topicIds, zeroUuid]);
    case "string":
      return pick(dice, vocabulary.strings);
    case "bytes":
      return Buffer.alloc(dice(40), dice(256));
    case "records":
      return someRecords(dice);
    case "array":
      return Array.from({ length: count(dice) }, () => value(draw, node.element, name));
    case "struct":
      return struct(draw, node.fields);
  }
}

/** Mostly few, now and then many. */
function count(dice: Dice): number {
  return dice(50) === 0 ? 200 : dice(4);
}

function number(dice: Dice, name: string): number {
  // Else most requests would end at a partition that does not exist, or at acks that do not.
  if (/partition/i.test(name) && dice(3) > 0) return dice(3);
  if (name === "acks" && dice(3) > 0) return dice(3) - 1;
  if (/numPartitions|^count$/.test(name)) return dice(6) - 1;
  return dice(4) === 0 ? dice(0x7fff_ffff) : pick(dice, numbers);
}

function wrap(number: number, bits: number): number {
  return bits === 32 ? number | 0 : (number << (32 - bits)) >> (32 - bits);
}

function someRecords(dice: Dice): Uint8Array {
  const isSequenced = dice(2) === 0;
  const producer = isSequenced
    ? { producerId: dice(5), producerEpoch: dice(2), baseSequence: dice(4) }
    : {};
  const batch = batchOf(
    Array.from({ length: 1 + dice(3) }, (_, index) => ({
      key: dice(2) === 0 ? null : `key ${index}`,
      value: "x".repeat(dice(300)),
    })),
    {
      timestamp: Date.now() - dice(1_000),
      codec: pick(dice, ["none", "none", "gzip", "snappy", "lz4", "zstd"] as const),
      isTransactional: dice(20) === 0,
      isControl: dice(20) === 0,
      ...producer,
    },
  );
  if (dice(4) === 0) batch[dice(batch.length)] = dice(256);
  return dice(10) === 0 ? batch.subarray(0, dice(batch.length)) : batch;
}

function pick<T>(dice: Dice, from: readonly T[]): T {
  const picked = from[dice(from.length)];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
