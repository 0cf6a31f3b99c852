import { cellMutants } from "./cell-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { tierMutants } from "./tier-mutants.ts";

/** Of one broker alone. */
const brokerMutants: readonly Mutant[] = [
  {
    name: "acknowledge-before-flush",
    breaks: "durability fsync: what is acknowledged is flushed",
    edits: [
      {
        file: "broker/log/stored-log.ts",
        find: "touch(this.context.wal, this, { endOffset: this.nextOffset, needsFlush });",
        replace:
          "touch(this.context.wal, this, { endOffset: this.nextOffset, needsFlush: false });",
      },
    ],
    foundBy: /I4 does not hold|I10 does not hold|lost/,
    withinSeeds: 10,
    faults: "host.crash=120",
  },
  {
    name: "acknowledge-before-written",
    breaks: "the log end is the end of the last completed write",
    edits: [
      {
        file: "broker/log/stored-log.ts",
        find: "this.logEndOffset = Math.max(this.logEndOffset, endOffset);",
        replace: "this.logEndOffset = Math.max(this.logEndOffset, this.nextOffset);",
      },
    ],
    foundBy: /I4 does not hold|I10 does not hold|lost|exception/,
    fromSeed: 28,
    withinSeeds: 10,
    faults: "process.kill=900,disk.stall=0.05",
  },
  {
    name: "terms-not-counted",
    breaks: "I1: a leadership's end takes its epoch with it",
    edits: [
      {
        file: "metadata/commands/rules.ts",
        find: "countsTerms: true,",
        replace: "countsTerms: false,",
      },
    ],
    foundBy: /I1 does not hold/,
    withinSeeds: 5,
    faults: "process.kill=120",
  },
  {
    name: "retries-not-recognised",
    breaks: "an idempotent producer's batch is in the log once",
    edits: [
      {
        file: "broker/log/producer-state.ts",
        find: "if (duplicate !== undefined) return",
        replace: "if (duplicate !== undefined && false) return",
      },
      {
        file: "broker/log/producer-state.ts",
        find: "  const wrong = sequenceRejection(entry, batch);\n",
        replace: "  const wrong = sequenceRejection(entry, batch) === null ? null : null;\n",
      },
    ],
    foundBy: /duplicated/,
    withinSeeds: 10,
    faults: "network.reset=0.01",
  },
  {
    name: "producers-forgotten-at-restart",
    breaks: "a retry is recognised in the next life as well",
    edits: [
      {
        file: "broker/log/wal-replay.ts",
        find: "  if (saved.producers.length > 0) restoreProducers(log, saved.producers);\n",
        replace: "  if (saved.producers.length < 0) restoreProducers(log, saved.producers);\n",
      },
      {
        file: "broker/log/wal-replay.ts",
        find: "const replayed = replayBatch(log.producers, body, 0, replay.nowMs);",
        replace:
          'const replayed = log.nextOffset < 0 ? replayBatch(log.producers, body, 0, replay.nowMs) : { kind: "replayed" };',
      },
    ],
    foundBy: /duplicated|reordered/,
    withinSeeds: 40,
    faults: "process.kill=240,disk.stall=0.02",
  },
  {
    name: "reads-past-the-high-watermark",
    breaks: "I6: consumers never see beyond the high watermark",
    edits: [
      {
        file: "broker/fetch/read-partitions.ts",
        find: "replica === null ? visibleEnd(partition, budget) : log.logEndOffset;",
        replace: "replica === null ? log.nextOffset : log.logEndOffset;",
      },
    ],
    foundBy: /beyond the high watermark|two records at one offset|lost|to be read back/,
    withinSeeds: 10,
    faults: "disk.stall=0.02,process.kill=60",
  },
  {
    name: "disk-believed-after-power-loss",
    breaks: "C4: writes are taken for complete only under the boot and volume that made them",
    edits: [
      {
        file: "broker/identity.ts",
        find: 'return bootId !== null && stored.bootId === bootId ? "processCrash" : "hostCrash";',
        replace: 'return "processCrash";',
      },
    ],
    foundBy: /two records at one offset|I4 does not hold|I5 does not hold|lost/,
    withinSeeds: 20,
    faults: "host.crash=120",
  },
];

export const mutants: readonly Mutant[] = [...brokerMutants, ...cellMutants, ...tierMutants];
