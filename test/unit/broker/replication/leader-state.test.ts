import { describe, expect, test } from "vitest";
import {
  adopt,
  brokerRegistered,
  checkFollower,
  followerDiverges,
  followerFetched,
  highWatermarkOf,
  maximalIsr,
  proposalAnswered,
  propose,
  startTerm,
  type Assignment,
  type IsrProposal,
  type LeaderState,
} from "../../../../broker/replication/leader-state.ts";

const epochs: Record<number, number> = { 1: 11, 2: 12, 3: 13 };
const brokerEpochOf = (id: number): number => epochs[id] ?? -1;

const assignment = (change: Partial<Assignment> = {}): Assignment => ({
  leaderEpoch: 5,
  partitionEpoch: 20,
  replicas: [1, 2, 3],
  adding: [],
  isr: [1, 2, 3],
  elr: [],
  lastIsr: [1, 2, 3],
  ...change,
});

const term = (change: Partial<Assignment> = {}, startOffset = 100): LeaderState =>
  startTerm(assignment(change), { selfId: 1, startOffset, nowMs: 0, brokerEpochOf });

function fetched(
  state: LeaderState,
  brokerId: number,
  fetchOffset: number,
  at: { leaderEnd: number; nowMs?: number },
) {
  const fetch = { brokerId, brokerEpoch: brokerEpochOf(brokerId), fetchOffset };
  return followerFetched(state, fetch, { leaderEnd: at.leaderEnd, nowMs: at.nowMs ?? 0 });
}

const watermark = (state: LeaderState, leaderEnd: number, current = 0, minIsr = 2) =>
  highWatermarkOf(state, { current, leaderEnd, minIsr });

const context = (change: Partial<Parameters<typeof propose>[1]> = {}) => ({
  nowMs: 0,
  maxLagMs: 10_000,
  highWatermark: 0,
  isActive: () => true,
  ...change,
});

describe("the high watermark of a leader", () => {
  test("stands still until every in-sync follower has fetched in this term", () => {
    const state = term();
    fetched(state, 2, 120, { leaderEnd: 120 });
    expect(watermark(state, 120, 90)).toBe(90);
    fetched(state, 3, 110, { leaderEnd: 120 });
    expect(watermark(state, 120, 90)).toBe(110);
  });

  test("never moves back, even if a follower's offset lies below it", () => {
    const state = term();
    fetched(state, 2, 50, { leaderEnd: 120 });
    fetched(state, 3, 50, { leaderEnd: 120 });
    expect(watermark(state, 120, 100)).toBe(100);
  });

  test("waits for a follower that has been proposed to join, before the log has it", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2] });
    fetched(state, 2, 130, { leaderEnd: 130 });
    fetched(state, 3, 120, { leaderEnd: 130 });
    expect(watermark(state, 130)).toBe(130);
    expect(propose(state, context({ highWatermark: 120 }))?.isr).toEqual([1, 2, 3]);
    expect(maximalIsr(state)).toEqual([1, 2, 3]);
    expect(watermark(state, 130, 119)).toBe(120);
  });

  test("waits for a follower that has been proposed to leave, until the log has accepted", () => {
    const state = term();
    fetched(state, 2, 200, { leaderEnd: 200, nowMs: 20_000 });
    fetched(state, 3, 100, { leaderEnd: 200, nowMs: 0 });
    const proposal = propose(state, context({ nowMs: 20_000 }));
    expect(proposal).toMatchObject({ kind: "shrink", isr: [1, 2] });
    expect(watermark(state, 200)).toBe(100);
    const answer = { kind: "accepted", partitionEpoch: 21, isr: [1, 2] } as const;
    expect(proposalAnswered(state, proposal as IsrProposal, { answer, nowMs: 20_000 })).toBe(
      "done",
    );
    expect(watermark(state, 200)).toBe(200);
  });

  test("stands still while the in-sync set is below min.insync.replicas", () => {
    const state = term({ isr: [1], elr: [2], lastIsr: [1, 2] });
    expect(watermark(state, 150, 100)).toBe(100);
    expect(watermark(state, 150, 100, 1)).toBe(150);
  });

  test("does not count what a former life of a follower said", () => {
    const state = term({ replicas: [1, 2], isr: [1, 2], lastIsr: [1, 2] });
    fetched(state, 2, 150, { leaderEnd: 150 });
    brokerRegistered(state, { brokerId: 2, epoch: 99 }, 0);
    expect(watermark(state, 150, 100)).toBe(100);
    expect(checkFollower(state, { brokerId: 2, brokerEpoch: 12 })).toBe("staleBroker");
    expect(checkFollower(state, { brokerId: 2, brokerEpoch: 99 })).toBe("counted");
    expect(checkFollower(state, { brokerId: 2, brokerEpoch: 100 })).toBe("newerBroker");
    expect(checkFollower(state, { brokerId: 7, brokerEpoch: 1 })).toBe("stranger");
  });
});

describe("a proposal without an answer", () => {
  const unknown = { answer: { kind: "unknown" }, nowMs: 0 } as const;

  test("is for the lives it was made for, however often it is asked again", () => {
    const state = term({ isr: [1, 3], lastIsr: [1, 3] });
    fetched(state, 2, 130, { leaderEnd: 130 });
    const proposal = propose(state, context()) as IsrProposal;
    expect(proposalAnswered(state, proposal, unknown)).toBe("resend");
    brokerRegistered(state, { brokerId: 2, epoch: 99 }, 0);
    expect(state.pending?.brokerEpochs).toEqual([11, 13, 12]);
  });

  test("keeps its members counted after a refusal: the first question may yet be accepted", () => {
    const state = term({ isr: [1, 3], lastIsr: [1, 3] });
    fetched(state, 2, 130, { leaderEnd: 130 });
    const proposal = propose(state, context()) as IsrProposal;
    proposalAnswered(state, proposal, unknown);
    const refused = { answer: { kind: "refused" }, nowMs: 0 } as const;
    proposalAnswered(state, proposal, refused);
    expect(maximalIsr(state)).toEqual([1, 3, 2]);
    const notActive = { ...context({ nowMs: 2_000 }), isActive: (id: number) => id !== 2 };
    const next = propose(state, notActive) as IsrProposal;
    expect(next).toMatchObject({ kind: "confirm", isr: [1, 3] });
    const answer = { kind: "accepted", partitionEpoch: 21, isr: [1, 3] } as const;
    proposalAnswered(state, next, { answer, nowMs: 2_000 });
    expect(maximalIsr(state)).toEqual([1, 3]);
  });
});

describe("a follower whose fetch offset goes back", () => {
  test("is distrusted until it registers again, and proposed to leave at once", () => {
    const state = term();
    fetched(state, 2, 120, { leaderEnd: 120 });
    expect(fetched(state, 2, 110, { leaderEnd: 120 })).toBe("distrusted");
    expect(checkFollower(state, { brokerId: 2, brokerEpoch: 12 })).toBe("distrusted");
    expect(propose(state, context())?.isr).toEqual([1, 3]);
    brokerRegistered(state, { brokerId: 2, epoch: 99 }, 0);
    expect(checkFollower(state, { brokerId: 2, brokerEpoch: 99 })).toBe("counted");
  });

  test("is believed where it was told that its log diverges, once", () => {
    const state = term();
    fetched(state, 2, 120, { leaderEnd: 120 });
    followerDiverges(state, 2);
    expect(fetched(state, 2, 105, { leaderEnd: 120 })).toBe("counted");
    expect(fetched(state, 2, 104, { leaderEnd: 120 })).toBe("distrusted");
  });
});

describe("the in-sync set", () => {
  test("takes a follower in only at the start of this epoch, though the high watermark is lower", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2] }, 100);
    fetched(state, 2, 120, { leaderEnd: 120 });
    fetched(state, 3, 90, { leaderEnd: 120 });
    expect(propose(state, context({ highWatermark: 80 }))).toBeNull();
    fetched(state, 3, 100, { leaderEnd: 120 });
    expect(propose(state, context({ highWatermark: 80 }))?.isr).toEqual([1, 2, 3]);
  });

  test("takes in nobody below the high watermark, and nobody who is fenced", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2] }, 0);
    fetched(state, 3, 90, { leaderEnd: 120 });
    expect(propose(state, context({ highWatermark: 91 }))).toBeNull();
    expect(propose(state, context({ highWatermark: 90, isActive: (id) => id !== 3 }))).toBeNull();
    expect(propose(state, context({ highWatermark: 90 }))).toMatchObject({ kind: "expand" });
  });

  test("loses a follower that has not caught up for the lag time, and keeps one that trails by one fetch", () => {
    const state = term();
    for (let nowMs = 0; nowMs <= 30_000; nowMs += 1000) {
      const leaderEnd = 100 + nowMs;
      // Always has what was there a fetch ago, never what is there now.
      fetched(state, 2, Math.max(100, leaderEnd - 1000), { leaderEnd, nowMs });
      fetched(state, 3, 100, { leaderEnd, nowMs });
    }
    expect(propose(state, context({ nowMs: 30_000 }))).toMatchObject({
      kind: "shrink",
      isr: [1, 2],
    });
  });

  test("gives members of a new term the whole lag time to show themselves", () => {
    const state = startTerm(assignment(), {
      selfId: 1,
      startOffset: 0,
      nowMs: 50_000,
      brokerEpochOf,
    });
    expect(propose(state, context({ nowMs: 60_000 }))).toBeNull();
    expect(propose(state, context({ nowMs: 60_001 }))).toMatchObject({ isr: [1] });
  });

  test("is confirmed by a leader that goes on without members of the last one", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2, 3] });
    expect(propose(state, context())).toMatchObject({ kind: "confirm", isr: [1, 2] });
  });

  test("has one proposal at a time", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2, 3] });
    expect(propose(state, context())).not.toBeNull();
    expect(propose(state, context())).toBeNull();
  });
});

describe("the answer to a proposal", () => {
  const expanding = () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2] });
    fetched(state, 3, 120, { leaderEnd: 120 });
    const proposal = propose(state, context());
    if (proposal === null) throw new Error("the test needs a proposal");
    return { state, proposal };
  };

  test("that does not come leaves it pending, to be asked again", () => {
    const { state, proposal } = expanding();
    expect(proposalAnswered(state, proposal, { answer: { kind: "unknown" }, nowMs: 0 })).toBe(
      "resend",
    );
    expect(maximalIsr(state)).toEqual([1, 2, 3]);
  });

  test("that it is outdated leaves it pending until the newer state is here", () => {
    const { state, proposal } = expanding();
    expect(proposalAnswered(state, proposal, { answer: { kind: "outdated" }, nowMs: 0 })).toBe(
      "await",
    );
    expect(maximalIsr(state)).toEqual([1, 2, 3]);
    adopt(state, assignment({ partitionEpoch: 21, isr: [1, 2], lastIsr: [1, 2] }), {
      nowMs: 0,
      brokerEpochOf,
    });
    expect(maximalIsr(state)).toEqual([1, 2]);
  });

  test("that comes after the log has moved on changes nothing", () => {
    const { state, proposal } = expanding();
    adopt(state, assignment({ partitionEpoch: 25, isr: [1, 3], lastIsr: [1, 3] }), {
      nowMs: 0,
      brokerEpochOf,
    });
    const answer = { kind: "accepted", partitionEpoch: 21, isr: [1, 2, 3] } as const;
    proposalAnswered(state, proposal, { answer, nowMs: 0 });
    expect(state.assignment.isr).toEqual([1, 3]);
    expect(state.assignment.partitionEpoch).toBe(25);
  });

  test("that refuses it takes it back, and asks again only after a pause", () => {
    const { state, proposal } = expanding();
    proposalAnswered(state, proposal, { answer: { kind: "refused" }, nowMs: 100 });
    expect(maximalIsr(state)).toEqual([1, 2]);
    expect(propose(state, context({ nowMs: 500 }))).toBeNull();
    expect(propose(state, context({ nowMs: 1_200 }))).not.toBeNull();
  });

  test("that the term is over steps down", () => {
    const { state, proposal } = expanding();
    expect(proposalAnswered(state, proposal, { answer: { kind: "fenced" }, nowMs: 0 })).toBe(
      "stepDown",
    );
  });

  test("is completed by its own entry, which has the same partition epoch", () => {
    const state = term({ isr: [1, 2], lastIsr: [1, 2] });
    const proposal = propose(state, context({ nowMs: 20_000 }));
    const answer = { kind: "accepted", partitionEpoch: 21, isr: [1] } as const;
    proposalAnswered(state, proposal as IsrProposal, { answer, nowMs: 0 });
    expect(state.assignment.elr).toEqual([]);
    adopt(state, assignment({ partitionEpoch: 21, isr: [1], elr: [2], lastIsr: [1, 2] }), {
      nowMs: 0,
      brokerEpochOf,
    });
    expect(state.assignment.elr).toEqual([2]);
  });
});
