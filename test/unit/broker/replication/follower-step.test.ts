import { describe, expect, test } from "vitest";
import {
  followedWatermarks,
  followerStep,
  recoveryStep,
  type FollowerLog,
  type LeaderAnswer,
} from "../../../../broker/replication/follower-step.ts";

type Lineage = readonly { epoch: number; start: number }[];

function log(change: Partial<FollowerLog> & { lineage?: Lineage } = {}): FollowerLog {
  const {
    lineage = [
      { epoch: 1, start: 0 },
      { epoch: 3, start: 50 },
      { epoch: 6, start: 80 },
    ],
    ...rest
  } = change;
  const nextOffset = rest.nextOffset ?? 100;
  return {
    logStartOffset: 0,
    localStartOffset: rest.logStartOffset ?? 0,
    logEndOffset: nextOffset,
    nextOffset,
    highWatermark: 40,
    leaderEpoch: lineage.at(-1)?.epoch ?? -1,
    epochEndOffset(epoch) {
      const at = lineage.findLastIndex((each) => each.epoch <= epoch);
      const found = lineage[at];
      if (found === undefined) return { epoch: -1, endOffset: -1 };
      return { epoch: found.epoch, endOffset: lineage[at + 1]?.start ?? nextOffset };
    },
    ...rest,
  };
}

const answer = (change: Partial<LeaderAnswer> = {}): LeaderAnswer => ({
  error: "NONE",
  highWatermark: 0,
  logStartOffset: 0,
  tieredEnd: -1,
  packedEnd: -1,
  diverging: null,
  recordsBytes: 0,
  ...change,
});

describe("a follower whose log diverges", () => {
  test("cuts to where the leader's log ends that epoch", () => {
    const step = followerStep(log(), answer({ diverging: { epoch: 6, endOffset: 90 } }), []);
    expect(step).toEqual({ kind: "truncate", toOffset: 90, isRecovery: false });
  });

  test("cuts to the end of its own largest epoch the leader has, if that is lower", () => {
    const step = followerStep(log(), answer({ diverging: { epoch: 5, endOffset: 95 } }), []);
    expect(step).toEqual({ kind: "truncate", toOffset: 80, isRecovery: false });
  });

  test("refuses to cut below its own high watermark", () => {
    const step = followerStep(
      log({ highWatermark: 92 }),
      answer({ diverging: { epoch: 6, endOffset: 90 } }),
      [],
    );
    expect(step.kind).toBe("alarm");
  });

  test("cuts below it where a recovery above its epochs has given those records up", () => {
    const recoveries = [{ epoch: 9, end: 70, start: 1_000_000 }];
    const step = followerStep(
      log({ highWatermark: 92 }),
      answer({ diverging: { epoch: 3, endOffset: 70 } }),
      recoveries,
    );
    expect(step).toEqual({ kind: "truncate", toOffset: 70, isRecovery: true });
  });

  test("refuses to begin anew below its own records, which are committed whatever the high watermark says", () => {
    const own = log({ localStartOffset: 60, highWatermark: 50 });
    const step = followerStep(own, answer({ diverging: { epoch: 3, endOffset: 55 } }), []);
    expect(step.kind).toBe("alarm");
  });

  test("begins anew where a recovery has left nothing of its own records, and waits to be told from where on", () => {
    const recoveries = [{ epoch: 9, end: 70, start: 1_000_000 }];
    const own = log({ localStartOffset: 60, highWatermark: 60, nextOffset: 1_000_000 });
    const answered = answer({ diverging: { epoch: 3, endOffset: 55 } });
    // At 55 it would say, once it leads, that what lies below is gone: the object store may have that.
    expect(followerStep(own, answered, recoveries)).toEqual({ kind: "restart", atOffset: 0 });
  });

  test("is cut where its own records begin, if what is before those is in the object store", () => {
    const step = followerStep(
      log({ localStartOffset: 90, highWatermark: 90 }),
      answer({ diverging: { epoch: 6, endOffset: 90 } }),
      [],
    );
    expect(step).toEqual({ kind: "truncate", toOffset: 90, isRecovery: false });
  });
});

describe("a follower behind the leader's log start", () => {
  test("starts anew there", () => {
    const step = followerStep(
      log(),
      answer({ error: "OFFSET_OUT_OF_RANGE", logStartOffset: 500 }),
      [],
    );
    expect(step).toEqual({ kind: "restart", atOffset: 500 });
  });

  test("starts behind a recovery's gap that the log start lies in", () => {
    const step = followerStep(
      log({ nextOffset: 0, localStartOffset: 0, lineage: [] }),
      answer({ error: "OFFSET_OUT_OF_RANGE", logStartOffset: 500 }),
      [{ epoch: 9, end: 100, start: 2 ** 40 }],
    );
    expect(step).toEqual({ kind: "restart", atOffset: 2 ** 40 });
  });

  test("does nothing rash where the leader's log is merely shorter", () => {
    const step = followerStep(
      log(),
      answer({ error: "OFFSET_OUT_OF_RANGE", logStartOffset: 0 }),
      [],
    );
    expect(step.kind).toBe("backOff");
  });
});

test.each([
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "NOT_LEADER_OR_FOLLOWER",
  "UNKNOWN_TOPIC_ID",
  "UNKNOWN_SERVER_ERROR",
] as const)("after %s it backs off and follows the metadata log", (error) =>
  expect(followerStep(log(), answer({ error }), []).kind).toBe("backOff"),
);

describe("after a recovery", () => {
  const recoveries = [{ epoch: 9, end: 70, start: 1000 }];

  test("a log of older epochs is cut to its end, then skips to its start", () => {
    expect(recoveryStep(log(), recoveries)).toEqual({
      kind: "truncate",
      toOffset: 70,
      isRecovery: true,
    });
    const cut = log({
      nextOffset: 70,
      lineage: [
        { epoch: 1, start: 0 },
        { epoch: 3, start: 50 },
      ],
    });
    expect(recoveryStep(cut, recoveries)).toEqual({ kind: "skip", toOffset: 1000 });
  });

  test("a shorter log fetches what lies below it first", () => {
    expect(recoveryStep(log({ nextOffset: 60 }), recoveries)).toBeNull();
  });

  test("a log that has followed it is left alone", () => {
    const followed = log({
      nextOffset: 1005,
      lineage: [
        { epoch: 3, start: 0 },
        { epoch: 9, start: 1000 },
      ],
    });
    expect(recoveryStep(followed, recoveries)).toBeNull();
    const skipped = log({ nextOffset: 1000, lineage: [{ epoch: 3, start: 0 }] });
    expect(recoveryStep(skipped, recoveries)).toBeNull();
  });
});

describe("after a recovery that an earlier one is given up with", () => {
  const short = (nextOffset: number) => log({ nextOffset, lineage: [{ epoch: 1, start: 0 }] });
  const deeper = [
    { epoch: 9, end: 70, start: 1000 },
    { epoch: 12, end: 30, start: 5000 },
  ];

  test("a log that ends where the later one does skips to its start, and never leads in between", () => {
    expect(recoveryStep(short(30), deeper)).toEqual({ kind: "skip", toOffset: 5000 });
    expect(recoveryStep(short(10), deeper)).toBeNull();
  });

  test("a longer one is cut once, wherever it ends", () => {
    const cut = { kind: "truncate", toOffset: 30, isRecovery: true };
    expect(recoveryStep(short(50), deeper)).toEqual(cut);
    expect(recoveryStep(short(70), deeper)).toEqual(cut);
    expect(recoveryStep(short(1000), deeper)).toEqual(cut);
  });

  test("where nothing behind the earlier one was kept, nobody goes on at its start", () => {
    const same = [
      { epoch: 9, end: 70, start: 1000 },
      { epoch: 12, end: 70, start: 5000 },
    ];
    expect(recoveryStep(short(70), same)).toEqual({ kind: "skip", toOffset: 5000 });
  });

  test("where something was, both gaps are kept", () => {
    const both = [
      { epoch: 9, end: 70, start: 1000 },
      { epoch: 12, end: 1005, start: 5000 },
    ];
    expect(recoveryStep(short(70), both)).toEqual({ kind: "skip", toOffset: 1000 });
    expect(recoveryStep(short(1005), both)).toEqual({ kind: "skip", toOffset: 5000 });
  });
});

describe("watermarks that a follower takes over", () => {
  test("never lie beyond what it has written, and never move back", () => {
    const own = { logEndOffset: 100, highWatermark: 40, logStartOffset: 10 };
    expect(followedWatermarks(own, { highWatermark: 150, logStartOffset: 20 })).toEqual({
      highWatermark: 100,
      logStartOffset: 20,
    });
    expect(followedWatermarks(own, { highWatermark: 30, logStartOffset: 5 })).toEqual({
      highWatermark: 40,
      logStartOffset: 10,
    });
    expect(followedWatermarks(own, { highWatermark: 60, logStartOffset: 90 })).toEqual({
      highWatermark: 60,
      logStartOffset: 60,
    });
  });
});
