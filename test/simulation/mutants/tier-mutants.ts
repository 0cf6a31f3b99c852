import type { Mutant } from "./mutant.ts";

const options = ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=6000"];

/**
 * Of tiered storage (storage.md). A put under way that a new leader's collector takes for an orphan has no mutant: the claim that every collection begins with
 * makes such a put fail, so the collector cannot be wrong about it alone.
 */
export const tierMutants: readonly Mutant[] = [
  {
    name: "releases-what-is-not-tiered",
    breaks: "I10: a replica lets go of nothing that is not in a manifest",
    edits: [
      {
        file: "broker/cold/local-release.ts",
        find: "const offset = Math.min(endOffset, tieredEnd, log.highWatermark);",
        replace: "const offset = Math.min(endOffset, log.highWatermark);",
      },
      {
        file: "broker/cold/local-release.ts",
        find: "const offset = Math.min(wanted, tieredEnd, log.highWatermark);",
        replace: "const offset = Math.min(wanted, log.highWatermark);",
      },
    ],
    foundBy: /T2 does not hold|lost|hole/,
    withinSeeds: 12,
    faults: "process.kill=60",
    options,
  },
  {
    name: "manifest-not-claimed",
    breaks: "a new leader claims the manifest before its first tier change",
    edits: [
      {
        file: "broker/tiering/manifest-store.ts",
        find: "const outcome = await put(path, claimed.manifest, current);",
        replace:
          'const outcome = current === null ? await put(path, claimed.manifest, current) : { kind: "stored", stored: { manifest: claimed.manifest, etag: current.etag } };',
      },
    ],
    foundBy: /T5 does not hold/,
    withinSeeds: 12,
    faults: "process.kill=600",
    options,
  },
  {
    name: "manifest-put-whatever-is-there",
    breaks: "a manifest replaces just the one it was made from (If-Match)",
    edits: [
      {
        file: "broker/tiering/manifest-store.ts",
        find: "previous === null ? { ifAbsent: true } : { ifMatch: previous.etag };",
        replace: "undefined;",
      },
    ],
    foundBy: /T5 does not hold|T1 does not hold|T4 does not hold/,
    withinSeeds: 12,
    faults: "process.kill=600,objects.appliesLate=0.3",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=20000"],
  },
  {
    name: "log-start-told-before-it-is-put",
    breaks: "put, then advertise: the manifest has the new log start first",
    edits: [
      {
        file: "broker/cold/move-log-start.ts",
        find: '  const left = await tierWriter.leave(partition, offset);\n  if (left.kind !== "done") return false;\n  // A recovery may have cut the log meanwhile, if others lead it by now.\n  return offset <= partition.log.highWatermark && moveLogStart(partition, offset);',
        replace:
          '  const hasMoved = await moveLogStart(partition, offset);\n  const left = await tierWriter.leave(partition, offset);\n  return left.kind === "done" && hasMoved;',
      },
    ],
    foundBy: /T6 does not hold/,
    withinSeeds: 30,
    faults: "process.kill=60",
    options,
  },
  {
    name: "orphans-deleted-at-once",
    breaks: "what nobody lists is noted as leaving, and deleted a grace later",
    edits: [
      {
        file: "broker/tiering/orphans.ts",
        find: "    due.map((name) => objectKey(path, name)),",
        replace: "    [...due, ...orphans.names].map((name) => objectKey(path, name)),",
      },
    ],
    foundBy: /T4 does not hold/,
    fromSeed: 13,
    withinSeeds: 12,
    faults: "objects.failsAfter=0.1",
    options,
  },
  {
    name: "compaction-drops-the-last-of-a-key",
    breaks: "compaction keeps the last value of each key",
    edits: [
      {
        file: "broker/compaction/judge.ts",
        find: "offsetOfKey(map, payload, record) <= baseOffset + record.offsetDelta,",
        replace: "offsetOfKey(map, payload, record) < baseOffset + record.offsetDelta,",
      },
    ],
    foundBy: /lost: .*the last of key/,
    withinSeeds: 12,
    faults: "process.kill=60",
    options,
  },
  {
    name: "packs-read-past-a-later-recovery",
    breaks: "C3: what an older leader epoch wrote counts only below a recovery's end",
    edits: [
      {
        file: "broker/tiering/pack-recovery.ts",
        find: "if (range.firstLeaderEpoch < epoch) endOffset = Math.min(endOffset, end);",
        replace: "if (range.firstLeaderEpoch < -epoch) endOffset = Math.min(endOffset, end);",
      },
    ],
    // A pack has to come between two losses, begin before the first one's end, and go further than it: one seed in forty. disaster.test.ts has it by name.
    foundBy: /a recovery had given it up/,
    withinSeeds: 5,
    fromSeed: 28,
    faults: "cell.wipe=200,objects.packLate=0.9",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000", "--packs-alone"],
  },
];
