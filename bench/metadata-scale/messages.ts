import type {
  CellEffect,
  CellEvent,
  HeartbeatReport,
  VoteOutcome,
} from "../../broker/cell/cell-events.ts";
import { leaderlessReplicas } from "../../metadata/commands/recovery.ts";
import { partitionOf } from "../../metadata/image/image.ts";
import type { BrokerProcess, ScaleBroker } from "./broker.ts";
import { brokerOf } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";

type EffectOf<Type extends CellEffect["type"]> = Extract<CellEffect, { type: Type }>;
type Message = EffectOf<"heartbeat" | "answerHeartbeat" | "answerVote" | "dial" | "askVote">;

/** Most log ends of a heartbeat (broker/cell/office.ts). */
const maxEnds = 1_000;

/** What the machine wants said to other brokers, on a network that loses nothing. */
export function carryOut(cell: ScaleCell, broker: ScaleBroker, effect: Message): void {
  switch (effect.type) {
    case "heartbeat":
      return sendHeartbeat(cell, broker, effect);
    case "answerHeartbeat":
    case "answerVote": {
      const reply = cell.replies.get(effect.replyTo);
      cell.replies.delete(effect.replyTo);
      return reply?.(effect);
    }
    case "dial":
      return dial(cell, broker, effect);
    case "askVote":
      for (const brokerId of effect.brokerIds) askVote(cell, broker, { ...effect, brokerId });
  }
}

/** One way, to the process that runs there when it arrives. */
export function travel(
  cell: ScaleCell,
  to: ScaleBroker,
  arrive: (running: BrokerProcess) => void,
): void {
  cell.clock.after(0.5 + cell.random.float() * 2, () => {
    if (to.running !== null) arrive(to.running);
  });
}

function sendHeartbeat(
  cell: ScaleCell,
  broker: ScaleBroker,
  { brokerId, heartbeat }: EffectOf<"heartbeat">,
): void {
  const { counter } = heartbeat;
  const settle = once((event: CellEvent) => broker.running?.step(event));
  const to = brokerOf(cell, brokerId);
  const isSilent = to === undefined || !to.isHostUp;
  const cancel = cell.clock.after(cell.config.sessionMs / 3, () =>
    settle({ type: "heartbeatFailed", counter, reason: "timedOut" }),
  );
  if (isSilent) return;
  if (to.running === null) {
    return travel(cell, broker, () =>
      settle({ type: "heartbeatFailed", counter, reason: "refused" }),
    );
  }
  broker.running?.connections.add(brokerId);
  const replyTo = cell.nextReply();
  cell.replies.set(replyTo, (effect) => {
    if (effect.type !== "answerHeartbeat") return;
    travel(cell, broker, () => {
      cancel();
      settle({ type: "heartbeatAnswered", counter, answer: effect.answer });
    });
  });
  const report = reportOf(cell, broker, counter);
  travel(cell, to, (running) =>
    running.step({ type: "heartbeatReceived", replyTo, heartbeat, report }),
  );
}

/** Of a broker whose followers had everything when it crashed. Where a report holds too few ends, all have their turn (broker/cell/report.ts). */
export function reportOf(
  { meter }: ScaleCell,
  { brokerId, running }: ScaleBroker,
  turn: number,
): HeartbeatReport {
  const image = running?.replica.image;
  if (image === undefined || image.leaderlessCount === 0) return { ends: [], loads: [] };
  const refs = meter.measure("broker: ends of a heartbeat", () =>
    leaderlessReplicas(image, brokerId, Infinity),
  );
  const pages = Math.max(1, Math.ceil(refs.length / maxEnds));
  const first = (turn % pages) * maxEnds;
  const ends = refs.slice(first, first + maxEnds).map(({ topicId, index }) => {
    const { leaderEpoch = 1 } = partitionOf(image, topicId, index) ?? {};
    const end = { logEndOffset: 1_000, highWatermark: 1_000 };
    return { topicId, index, lastEpoch: leaderEpoch - 1, ...end };
  });
  return { ends, loads: [] };
}

function dial(
  cell: ScaleCell,
  broker: ScaleBroker,
  { brokerId, timeoutMs }: EffectOf<"dial">,
): void {
  const to = brokerOf(cell, brokerId);
  const tell = (outcome: "timedOut" | "refused" | "answered") =>
    broker.running?.step({ type: "dialled", brokerId, outcome });
  if (to === undefined || !to.isHostUp) {
    cell.clock.after(timeoutMs, () => tell("timedOut"));
    return;
  }
  travel(cell, broker, () => tell(to.running === null ? "refused" : "answered"));
}

type Asking = Omit<EffectOf<"askVote">, "brokerIds"> & { readonly brokerId: number };

function askVote(cell: ScaleCell, broker: ScaleBroker, asking: Asking): void {
  const { brokerId, round, controllerEpoch: askedEpoch, timeoutMs } = asking;
  cell.countVote();
  const tell = once((outcome: VoteOutcome, controllerEpoch: number) =>
    broker.running?.step({ type: "voteAnswered", round, brokerId, outcome, controllerEpoch }),
  );
  const cancel = cell.clock.after(timeoutMs, () => tell("silent", -1));
  const to = brokerOf(cell, brokerId);
  if (to === undefined || !to.isHostUp) return;
  if (to.running === null) return travel(cell, broker, () => tell("refused", -1));
  const replyTo = cell.nextReply();
  cell.replies.set(replyTo, (effect) => {
    if (effect.type !== "answerVote") return;
    travel(cell, broker, () => {
      cancel();
      tell(effect.isGranted ? "granted" : "denied", effect.controllerEpoch);
    });
  });
  travel(cell, to, (running) =>
    running.step({ type: "voteAsked", replyTo, controllerEpoch: askedEpoch }),
  );
}

/** The first answer counts, and a time-out is one. */
function once<Arguments extends unknown[]>(
  run: (...given: Arguments) => void,
): (...given: Arguments) => void {
  let isDone = false;
  return (...given) => {
    if (isDone) return;
    isDone = true;
    run(...given);
  };
}
