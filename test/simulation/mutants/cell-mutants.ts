import type { Mutant } from "./mutant.ts";

/**
 * Of several brokers, by invariant (replication.md 3).
 *
 * Some rules have no mutant here, for others stand behind them: F6 (an empty leader erases no healthy copy) cannot be asked while only holders of what is
 * committed are elected; a deposed controller's commands are decided on the log's image like anybody's; a replica that a leaderless partition waits for may
 * be moved, since no move ends without a leader; NOT_ENOUGH_REPLICAS before an append, since the high watermark waits; a proposal without an answer that is
 * not kept pending, since it is made again within 200 ms; the controller's own look at a member's epoch (KIP-903), since the leader withdraws a proposal that was
 * made for another life. What a follower says after its disk went back while it ran (L3) has no fault that brings it about.
 */
export const cellMutants: readonly Mutant[] = [
  // I1
  {
    name: "registration-keeps-the-term",
    breaks: "I1: a registration ends the leaderships of the broker's former life",
    edits: [
      {
        file: "metadata/commands/registration-changes.ts",
        find: "isTermEnded: partition.leader === brokerId, rules",
        replace: "isTermEnded: false, rules",
      },
    ],
    foundBy: /I1 does not hold|image does not hold/,
    withinSeeds: 8,
    faults: "process.kill=1200",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I2
  {
    name: "leader-forgets-who-joins",
    breaks: "L4: whoever has been proposed to join counts at once",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: 'const isr = pending?.kind === "expand" ? pending.isr : assignment.isr;',
        replace: 'const isr = pending?.kind === "nothing" ? pending.isr : assignment.isr;',
      },
    ],
    foundBy: /I2 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=900",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "leader-forgets-who-leaves",
    breaks: "L6: members being removed keep counting until the log has accepted",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: 'const isr = pending?.kind === "expand" ? pending.isr : assignment.isr;',
        replace: "const isr = pending !== null ? pending.isr : assignment.isr;",
      },
    ],
    foundBy: /I2 does not hold|I3 does not hold|I7 does not hold/,
    withinSeeds: 12,
    faults: "network.isolate=1200,metadata.stall=0.3",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I3
  {
    name: "joins-behind-the-high-watermark",
    breaks: "L5: who joins the in-sync set has everything up to the high watermark",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: "follower.logEndOffset >= Math.max(highWatermark, startOffset) &&",
        replace: "follower.logEndOffset >= 0 &&",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold/,
    fromSeed: 16,
    withinSeeds: 8,
    faults: "network.isolate=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "joins-without-the-epoch-start",
    breaks: "L5: who joins has got to where this leader's epoch began",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: "follower.logEndOffset >= Math.max(highWatermark, startOffset) &&",
        replace: "follower.logEndOffset >= highWatermark &&",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold/,
    fromSeed: 25,
    withinSeeds: 12,
    faults: "cell.kill=500,host.crash=900,disk.stall=0.2",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=3", "--events=12000"],
  },
  {
    name: "moves-end-before-the-target-is-in-sync",
    breaks: "C6: a move is done when its target is in sync",
    edits: [
      {
        file: "metadata/commands/replica-moves.ts",
        find: "  if (!target.every((id) => partition.isr.includes(id))) return partition;\n",
        replace: "",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|image does not hold/,
    withinSeeds: 8,
    faults: "host.wipe=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I4
  {
    name: "elects-anybody",
    breaks: "C2: only members in sync or eligible are elected",
    edits: [
      {
        file: "metadata/commands/membership.ts",
        find: "replicas.find((id) => elr.includes(id) && mayLead(id))",
        replace: "replicas.find((id) => mayLead(id))",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|image does not hold/,
    withinSeeds: 8,
    faults: "host.crash=1200",
    options: ["--brokers=3", "--topics=rf=2,min=1,partitions=2", "--events=12000"],
  },
  {
    name: "host-crash-forgiven",
    breaks: "C4: a broker whose host crashed leaves ISR and ELR",
    edits: [
      {
        file: "metadata/commands/rules.ts",
        find: "distrustsHostCrash: true,",
        replace: "distrustsHostCrash: false,",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|lost/,
    withinSeeds: 8,
    faults: "host.crash=1200",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=1,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "host-crash-unnoticed-in-a-cell",
    breaks: "C4: writes are taken for complete only under the boot and volume that made them",
    edits: [
      {
        file: "broker/identity.ts",
        find: 'return bootId !== null && stored.bootId === bootId ? "processCrash" : "hostCrash";',
        replace: 'return "processCrash";',
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|lost/,
    withinSeeds: 8,
    faults: "host.crash=1200",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=1,durability=replicated",
      "--events=12000",
    ],
  },
  // I5
  {
    name: "truncates-to-the-high-watermark",
    breaks: "F2: a follower truncates by epochs, never to its high watermark (KIP-101)",
    edits: [
      {
        file: "broker/replication/replica-fetcher.ts",
        find: "      const step = recoveryStep(log, followed.recoveries());",
        replace:
          '      const isNew = !("hasCut" in tracked);\n      Object.assign(tracked, { hasCut: true });\n      const step = isNew\n        ? { kind: "truncate", toOffset: log.highWatermark, isRecovery: true }\n        : recoveryStep(log, followed.recoveries());',
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|I5 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=1200",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "divergence-unnoticed",
    breaks: "L3: a follower whose log leaves its leader's is told where",
    edits: [
      {
        file: "broker/replication/follower-fetch.ts",
        find: "return end.epoch < lastFetchedEpoch || isBehind ? end : null;",
        replace: "return isBehind && lastFetchedEpoch < 0 ? end : null;",
      },
    ],
    foundBy:
      /I3 does not hold|I5 does not hold|I7 does not hold|two records at one offset|to be read back/,
    withinSeeds: 20,
    faults: "disk.stall=0.02,process.kill=1200",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I6
  {
    name: "follower-watermark-goes-back",
    breaks: "F4: a follower's high watermark never moves back",
    edits: [
      {
        file: "broker/replication/follower-step.ts",
        find: "  const highWatermark = Math.max(\n    log.highWatermark,\n",
        replace: "  const highWatermark = Math.max(\n    0,\n",
      },
      {
        file: "broker/replication/replica-fetcher.ts",
        find: "if (highWatermark > log.highWatermark) log.advance",
        replace: "if (highWatermark !== log.highWatermark) log.advance",
      },
      {
        file: "broker/log/stored-log.ts",
        find: '    assert(offset >= this.highWatermark, "a high watermark never moves back");\n',
        replace: "",
      },
    ],
    foundBy: /I6 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=900",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "consumers-read-what-is-not-replicated",
    breaks: "I6: consumers never see beyond the high watermark",
    edits: [
      {
        file: "broker/fetch/read-partitions.ts",
        find: "isReadCommitted ? log.lastStableOffset : log.highWatermark;",
        replace: "isReadCommitted ? log.lastStableOffset : log.logEndOffset;",
      },
    ],
    foundBy: /beyond the high watermark/,
    withinSeeds: 8,
    faults: "process.kill=900",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "ends-are-told-before-they-are-known",
    breaks:
      "L1: a new leader tells no end before its high watermark has got to its epoch's start (KIP-207)",
    edits: [
      {
        file: "broker/handlers/list-offsets.ts",
        find: "asked.timestamp === special.latest.timestamp && isBehindItsTerm(checked.partition)",
        replace:
          "asked.timestamp === special.latest.timestamp && isBehindItsTerm(checked.partition) === null",
      },
    ],
    foundBy: /stale/,
    withinSeeds: 20,
    faults: "process.kill=1200",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=20000"],
  },
  // I7
  {
    name: "commits-below-min-isr",
    breaks: "I7: the high watermark stands still while too few are in sync",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: "if (assignment.isr.length < at.minIsr) return at.current;",
        replace: "",
      },
    ],
    foundBy: /I7 does not hold/,
    fromSeed: 9,
    withinSeeds: 8,
    faults: "host.crash=600,process.kill=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "commits-what-followers-lack",
    breaks: "L4: the high watermark is the smallest end in the in-sync set",
    edits: [
      {
        file: "broker/replication/partition.ts",
        find: "    ? highWatermarkOf(leaderState, { current, leaderEnd, minIsr })\n",
        replace: "    ? leaderEnd\n",
      },
    ],
    foundBy: /I7 does not hold|I3 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "counts-a-restarted-follower",
    breaks: "I7: what a follower's former life had fetched counts no more",
    edits: [
      {
        file: "broker/replication/leader-state.ts",
        find: "  state.followers.set(broker.brokerId, unknownFollower(broker.brokerId, broker.epoch, nowMs));\n}",
        replace: "  known.brokerEpoch = broker.epoch;\n}",
      },
    ],
    foundBy: /I3 does not hold|I7 does not hold/,
    fromSeed: 49,
    withinSeeds: 40,
    faults: "host.crash=1200,network.dialTimesOut=0.5",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=1,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "acknowledges-before-it-is-committed",
    breaks: "acks=all is answered when every member in sync has it",
    edits: [
      {
        file: "broker/handlers/produce.ts",
        find: "const wait = request.acks === -1 ? whenCommitted : whenWritten;",
        replace: "const wait = request.acks === -2 ? whenCommitted : whenWritten;",
      },
    ],
    foundBy: /lost|two records at one offset/,
    withinSeeds: 8,
    faults: "host.crash=900,network.isolate=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=16000"],
  },
  // I8
  {
    name: "eligible-though-enough-are-in-sync",
    breaks: "I8: enough members in sync end the eligibility of those outside",
    edits: [
      {
        file: "metadata/commands/rules.ts",
        find: "clearsElr: true,",
        replace: "clearsElr: false,",
      },
    ],
    foundBy: /I8 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=1200",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I9
  {
    name: "starts-anew-where-logs-part",
    breaks: "F2: a follower cuts no more than what its leader never had",
    edits: [
      {
        file: "broker/replication/follower-step.ts",
        find: '  return { kind: "truncate", toOffset, isRecovery: isRecovered };',
        replace: '  return { kind: "restart", atOffset: 0 };',
      },
    ],
    foundBy: /I9 does not hold|I3 does not hold/,
    withinSeeds: 8,
    faults: "process.kill=1200,network.isolate=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // I10 and recoveries
  {
    name: "recovers-without-a-gap",
    breaks: "C2b: a recovery goes on far above every offset ever shown",
    edits: [
      {
        file: "metadata/commands/rules.ts",
        find: "leavesGap: true,",
        replace: "leavesGap: false,",
      },
    ],
    foundBy: /no gap|two records/,
    withinSeeds: 8,
    faults: "cell.crash=600",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=1,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "does-not-wait-for-the-last-in-sync",
    breaks: "C2b: all of the last in-sync set have spoken before one of them is elected",
    edits: [
      {
        file: "metadata/commands/rules.ts",
        find: "waitsForLastIsr: true,",
        replace: "waitsForLastIsr: false,",
      },
    ],
    foundBy: /C2b does not hold/,
    withinSeeds: 20,
    faults: "cell.crash=300,disk.kept=0.7",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=3,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "recovers-from-the-shortest-log",
    breaks: "C2b: the greatest end is elected",
    edits: [
      {
        file: "metadata/commands/recovery-plan.ts",
        find: "  if (left.end !== right.end) return left.end > right.end;",
        replace: "  if (left.end !== right.end) return left.end < right.end;",
      },
    ],
    foundBy: /C2b does not hold/,
    withinSeeds: 20,
    faults: "cell.crash=300,disk.kept=0.7",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=3,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "fence-forgets-the-last-in-sync",
    breaks: "a fence takes members from ISR and ELR, never from lastIsr",
    edits: [
      {
        file: "metadata/commands/membership.ts",
        find: "  return isLeaving(partition.leader) ? { ...after, leader: noLeader } : after;",
        replace:
          "  const lastIsr = after.lastIsr.filter((id) => !isLeaving(id));\n  return isLeaving(partition.leader) ? { ...after, lastIsr, leader: noLeader } : after;",
      },
    ],
    foundBy: /forgets a member|C2b does not hold/,
    withinSeeds: 20,
    faults: "host.crash=1200",
    options: [
      "--brokers=3",
      "--topics=rf=3,min=2,partitions=1,durability=replicated",
      "--events=12000",
    ],
  },
  {
    name: "rolled-back-copy-keeps-its-id",
    breaks: "C4: a directory that is not of the latest life the log has seen is another broker",
    edits: [
      {
        file: "metadata/commands/register-broker.ts",
        find: "  return isSameLife ? broker : continued(image, request);",
        replace: "  return isSameLife ? broker : broker;",
      },
    ],
    foundBy: /I3 does not hold|I4 does not hold|I10 does not hold/,
    withinSeeds: 8,
    faults: "directory.rollBack=3600,process.kill=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  // Service
  {
    name: "stale-leaders-serve",
    breaks:
      "a leader that hears neither the metadata log nor the controller stops answering consumers",
    edits: [
      {
        file: "broker/cell/cell-config.ts",
        find: "stopsWhenStale: true,",
        replace: "stopsWhenStale: false,",
      },
    ],
    foundBy: /deposed leader answers/,
    withinSeeds: 20,
    faults: "network.isolate=900",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=20000"],
  },
  {
    name: "back-before-having-replayed",
    breaks: "C1: a broker is back in service once it has replayed past its fencing",
    edits: [
      {
        file: "broker/cell/cell-config.ts",
        find: "waitsForReplay: true,",
        replace: "waitsForReplay: false,",
      },
    ],
    foundBy: /C1 does not hold/,
    withinSeeds: 20,
    faults: "process.pause=900,metadata.stall=0.1",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
  {
    name: "stops-without-draining",
    breaks: "C5: a broker that is told to stop hands over first",
    edits: [
      {
        file: "broker/cell/heartbeats.ts",
        find: "if (isFenced || isLate || (isAlone",
        replace: "if (isFenced || isLate || !isLate || (isAlone",
      },
    ],
    foundBy: /C5 does not hold/,
    withinSeeds: 8,
    faults: "process.stop=600",
    options: ["--brokers=3", "--topics=rf=3,min=2,partitions=1", "--events=12000"],
  },
];
