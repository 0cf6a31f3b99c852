import { createCluster } from "../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../metadata/commands/command.ts";
import type { Command, CommandContext } from "../../../metadata/commands/command.ts";
import { registerBroker } from "../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../metadata/commands/register-broker.ts";
import { applyEntry } from "../../../metadata/image/apply.ts";
import type { MetadataChange } from "../../../metadata/image/changes.ts";
import { createImage } from "../../../metadata/image/image.ts";
import type { Image, Partition } from "../../../metadata/image/image.ts";
import { randomUuid } from "../../../metadata/log/uuid.ts";
import { decodeEntry, encodeEntry, hashEntry } from "../../../metadata/records/entry.ts";
import { maxMetadataLevel } from "../../../metadata/records/table.ts";
import type { MetadataRecord } from "../../../metadata/records/table.ts";
import type { Random } from "../../../ports/random.ts";

/** A small generator (mulberry32), so that every run draws the same. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const float = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    float,
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(float() * 256)),
  };
}

/** A cell without a log: commands are decided and their records, encoded and decoded, applied at once. */
export type TestCell = {
  readonly image: Image;
  /** What its genesis sets. */
  readonly level: number;
  nowMs: number;
  /** Changes of the last accepted command. */
  changes: MetadataChange[];
  /** Records of the last accepted command, all of its entries. */
  records: MetadataRecord[];
  entryCount: number;
  /** Of the last accepted command. */
  largestEntryBytes: number;
  context(): CommandContext;
  /** The result; fails the test when the command is rejected. */
  accept<Result>(command: Command<Result>): Result;
  /** The rejection; fails the test when the command is accepted. */
  reject(command: Command<unknown>): { error: string; message: string; field?: string };
};

export function testCell(seed = 1, level = maxMetadataLevel): TestCell {
  const image = createImage();
  const random = seededRandom(seed);
  const cell: TestCell = {
    image,
    level,
    nowMs: 1_700_000_000_000,
    changes: [],
    records: [],
    entryCount: 0,
    largestEntryBytes: 0,
    context: () => ({
      nowMs: cell.nowMs,
      revision: image.revision + 1,
      uuid: () => randomUuid(random),
    }),
    accept(command) {
      cell.changes = [];
      cell.records = [];
      cell.entryCount = 0;
      cell.largestEntryBytes = 0;
      for (;;) {
        const decision = command(image, cell.context());
        if (decision.kind === "rejected") throw new Error(`${decision.error}: ${decision.message}`);
        if (decision.records.length > 0) append(cell, decision.records);
        if (decision.isIncomplete !== true) return decision.result;
      }
    },
    reject(command) {
      const decision = command(image, cell.context());
      if (decision.kind === "accepted") throw new Error("accepted what should be rejected");
      return decision;
    },
  };
  const { nowMs: createdAtMs } = cell;
  const cellId = cell.context().uuid();
  cell.accept(() => accepted([{ kind: "genesis", cellId, level, createdAtMs }], null));
  return cell;
}

function append(cell: TestCell, records: readonly MetadataRecord[]): void {
  const previousHash = cell.image.entryHash;
  // Genesis is written at the level it sets.
  const level = cell.image.level === 0 ? cell.level : cell.image.level;
  const bytes = encodeEntry({ level, nonce: "ab".repeat(16), previousHash, records });
  const entry = decodeEntry(bytes);
  const revision = cell.image.revision + 1;
  cell.changes.push(
    ...applyEntry(cell.image, { revision, hash: hashEntry(bytes), records: entry.records }),
  );
  cell.records.push(...records);
  cell.entryCount += 1;
  cell.largestEntryBytes = Math.max(cell.largestEntryBytes, bytes.byteLength);
}

/** A healthy partition, apart from what is said. */
export function partitionState(state: Partial<Partition> & Pick<Partition, "replicas">): Partition {
  const { replicas } = state;
  return {
    index: 0,
    adding: [],
    removing: [],
    isr: replicas,
    elr: [],
    lastIsr: replicas,
    leader: replicas[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    recoveries: [],
    sealed: null,
    ...state,
  };
}

export function newBroker(name: string, zone = "a"): RegisterBrokerRequest {
  return {
    brokerId: null,
    directoryId: `directory-${name}`,
    incarnation: `${name}-1`,
    storedIncarnations: [],
    ephemeral: false,
    zone,
    host: `host-${name}`,
    slot: 1,
    port: 9092,
    minLevel: 1,
    maxLevel: 1,
    previousEnd: "new",
  };
}

/** A cell with brokers 1 to `brokerCount` in zones a, b, c and one cluster. */
export function readyCell(
  brokerCount = 1,
  level = maxMetadataLevel,
): TestCell & { clusterId: string } {
  const cell = testCell(1, level);
  for (let index = 0; index < brokerCount; index++) {
    const broker = newBroker(String(index + 1), "abc"[index % 3]);
    cell.accept((image, context) => registerBroker(image, broker, context));
  }
  const cluster = cell.accept((image, context) => createCluster(image, { name: "dev" }, context));
  return Object.assign(cell, { clusterId: cluster.clusterId });
}
