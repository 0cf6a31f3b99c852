import { expect, test } from "vitest";
import { checkHistory } from "./check-history.ts";
import type { FinalLog, GroupOffset, History, SeenLog, SentBatch } from "./history.ts";
import { newHistory, noteServed } from "./history.ts";

const partition = "topic/0" as const;

function sent(first: number, baseOffset: number, changed: Partial<SentBatch> = {}): SentBatch {
  return {
    producer: 1,
    first,
    count: 2,
    partition,
    acks: -1,
    isIdempotent: true,
    sentMs: first,
    outcome: "acknowledged",
    settledMs: first + 1,
    baseOffset,
    ...changed,
  };
}

function seen(changed: Partial<SeenLog> = {}): SeenLog {
  return {
    reader: "reader",
    partition,
    askedMs: 10,
    answeredMs: 11,
    leaderEpoch: 0,
    isListed: false,
    fetchOffset: 0,
    highWatermark: 4,
    records: [{ producer: 1, counter: 0, offset: 0 }],
    strangers: [],
    skipped: [],
    ...changed,
  };
}

function group(kind: GroupOffset["kind"], offset: number, askedMs: number): GroupOffset {
  const times = { askedMs, answeredMs: askedMs + 1, isAcknowledged: true };
  return { kind, group: "g", partition, offset, ...times };
}

/** Two batches of two records, acknowledged, read, and there at the end. */
function sound(): History & { last: { -readonly [Key in keyof FinalLog]: FinalLog[Key] } } {
  const history = newHistory();
  history.sent.push(sent(0, 0), sent(2, 2));
  history.seen.push(seen());
  history.groupOffsets.push(group("committed", 2, 20), group("fetched", 2, 30));
  const last: FinalLog = {
    logStartOffset: 0,
    endOffset: 4,
    records: [0, 1, 2, 3].map((offset) => ({ producer: 1, counter: offset, offset })),
    strangers: [],
    skipped: [],
    gaps: [],
    excused: [],
  };
  history.final.set(partition, last);
  return { ...history, last };
}

test("a sound history has nothing wrong with it", () => {
  expect(checkHistory(sound())).toEqual([]);
});

test.each<[string, (history: ReturnType<typeof sound>) => void]>([
  ["lost", ({ last }) => (last.records = last.records.slice(0, 3))],
  [
    "lost",
    (history) => history.seen.push(seen({ records: [{ producer: 1, counter: 9, offset: 9 }] })),
  ],
  ["lost", ({ last }) => (last.logStartOffset = 1)],
  ["phantom", ({ last }) => (last.gaps = [{ from: 3, to: 4 }])],
  [
    "duplicated",
    ({ last }) => (last.records = [...last.records, { producer: 1, counter: 3, offset: 4 }]),
  ],
  [
    "reordered",
    (history) => {
      history.sent.push(sent(4, -1, { outcome: "unknown" }));
      history.last.records = [{ producer: 1, counter: 4, offset: -1 }, ...history.last.records];
    },
  ],
  ["stale", (history) => history.seen.push(seen({ askedMs: 12, highWatermark: 3 }))],
  [
    "phantom",
    ({ last }) => (last.records = [...last.records, { producer: 7, counter: 0, offset: 4 }]),
  ],
  ["phantom", ({ last }) => (last.strangers = [4])],
  ["phantom", (history) => (history.sent[1] = sent(2, -1, { outcome: "refused" }))],
  [
    "two records at one offset",
    (history) => history.seen.push(seen({ records: [{ producer: 1, counter: 1, offset: 0 }] })),
  ],
  [
    "beyond the high watermark",
    (history) =>
      history.seen.push(
        seen({ highWatermark: 4, records: [{ producer: 1, counter: 3, offset: 4 }] }),
      ),
  ],
  ["hole", ({ last }) => (last.endOffset = 5)],
  ["committed offset went back", (history) => history.groupOffsets.push(group("fetched", 1, 40))],
  [
    "two owners",
    (history) => {
      for (const member of ["a", "b"]) {
        history.owners.push({ group: "g", generation: 1, member, partition });
      }
    },
  ],
])("%s is found in a doctored history", (kind, doctor) => {
  const history = sound();
  doctor(history);
  expect(checkHistory(history).map((anomaly) => anomaly.kind)).toContain(kind);
});

test("what a producer had in flight may be in another order behind what a power loss took, and nowhere else", () => {
  const swapped = sound();
  swapped.sent.push(sent(4, 4, { outcome: "unknown" }), sent(5, 5, { outcome: "unknown" }));
  swapped.last.records = [
    ...swapped.last.records,
    { producer: 1, counter: 5, offset: 4 },
    { producer: 1, counter: 4, offset: 5 },
  ];
  swapped.last.endOffset = 6;
  const kinds = () => checkHistory(swapped).map(({ kind }) => kind);
  expect(kinds()).toContain("reordered");
  swapped.last.excused = [{ from: 2, to: 4 }];
  expect(kinds()).not.toContain("reordered");
});

test("what a recovery may take is not missed, and what was not promised neither", () => {
  const excused = sound();
  excused.last.records = excused.last.records.slice(0, 2);
  excused.last.endOffset = 2;
  excused.last.excused = [{ from: 2, to: 100 }];
  expect(checkHistory(excused)).toEqual([]);
  const unpromised = sound();
  unpromised.last.records = unpromised.last.records.slice(0, 2);
  unpromised.last.endOffset = 2;
  expect(checkHistory(unpromised, { isPromised: ({ first }) => first === 0 })).toEqual([]);
});

test("a leader that was replaced may answer for a while, and not for ever", () => {
  const history = sound();
  noteServed(history, { topicId: "topic", index: 0, leaderEpoch: 3, askedMs: 5_000 });
  const termEndMs = (): number => 1_000;
  expect(checkHistory(history, { termEndMs, staleLimitMs: 4_000 })).toEqual([]);
  const anomalies = checkHistory(history, { termEndMs, staleLimitMs: 3_999 });
  expect(anomalies.map(({ kind }) => kind)).toEqual(["deposed leader answers"]);
});
