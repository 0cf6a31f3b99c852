import { describe, expect, test } from "vitest";

import { answerInLog, askInLog, isAwaited } from "../../../../metadata/commands/ask-in-log.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { takeOver } from "../../../../metadata/commands/take-over.ts";
import { unregisterBroker } from "../../../../metadata/commands/unregister-broker.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { encodeRecord } from "../../../../metadata/records/table.ts";
import { newBroker, testCell } from "../test-cell.ts";
import type { TestCell } from "../test-cell.ts";

/** Brokers 1 to 3, the first of which is in office. */
function cellOfThree(level?: number): TestCell {
  const cell = testCell(1, level);
  for (const name of ["1", "2", "3"]) register(cell, name, 1);
  cell.accept((image, context) => takeOver(image, { ...ref(cell, 1), missed: none }, context));
  return cell;
}

const none = { brokerId: null, epoch: 0 };

function register(cell: TestCell, name: string, life: number): void {
  cell.accept((image, context) => {
    const brokerId = life === 1 ? null : Number(name);
    const incarnation = `${name}-${life}`;
    const storedIncarnations = [`${name}-${life - 1}`];
    return registerBroker(
      image,
      { ...newBroker(name), brokerId, incarnation, storedIncarnations },
      context,
    );
  });
}

function ref({ image }: TestCell, brokerId: number): { brokerId: number; brokerEpoch: number } {
  return { brokerId, brokerEpoch: image.brokers.get(brokerId)?.epoch ?? -1 };
}

function ask(cell: TestCell, brokerId: number, asked: readonly number[]): number {
  const { epoch: controllerEpoch } = cell.image.controller;
  const request = { ...ref(cell, brokerId), asked, heardCount: 1, controllerEpoch };
  cell.accept((image, context) => askInLog(image, request, context));
  return cell.image.revision;
}

function answer(cell: TestCell, brokerId: number, askedBy = [1, 2, 3]): void {
  cell.accept((image) => answerInLog(image, { ...ref(cell, brokerId), askedBy }));
}

const waiting = ({ image }: TestCell) =>
  [...image.questions.values()].map(({ brokerId, asked }) => ({ brokerId, asked }));

describe("a question in the log", () => {
  test("waits for all that are asked, and is over with the last answer", () => {
    const cell = cellOfThree();
    const revision = ask(cell, 1, [2, 3]);
    answer(cell, 2);
    expect(waiting(cell)).toEqual([{ brokerId: 1, asked: [3] }]);
    expect(isAwaited(cell.image, { askedBy: 1, revision, from: 2 })).toBe(false);
    expect(isAwaited(cell.image, { askedBy: 1, revision, from: 3 })).toBe(true);
    expect(decodeSnapshot(encodeSnapshot(cell.image))).toEqual(cell.image);
    answer(cell, 3);
    expect(waiting(cell)).toEqual([]);
  });

  test("takes the place of its asker's last one, and an answer is to those it names", () => {
    const cell = cellOfThree();
    ask(cell, 2, [1]);
    ask(cell, 2, [1]);
    ask(cell, 3, [1]);
    expect(waiting(cell)).toHaveLength(2);
    answer(cell, 1, [3]);
    expect(waiting(cell)).toEqual([{ brokerId: 2, asked: [1] }]);
    answer(cell, 1, [2]);
    expect(waiting(cell)).toEqual([]);
    answer(cell, 1);
    expect(cell.records).toEqual([]);
  });

  test.each<[string, (cell: TestCell) => void]>([
    ["who asks registers anew", (cell) => register(cell, "2", 2)],
    ["who is asked registers anew", (cell) => register(cell, "1", 2)],
    [
      "somebody takes over",
      (cell) =>
        cell.accept((image, context) => {
          const missed = { brokerId: 1, epoch: 1 };
          return takeOver(image, { ...ref(cell, 3), missed }, context);
        }),
    ],
    [
      "who asks is forgotten",
      (cell) => {
        cell.accept((image, now) => fenceBrokers(image, { brokers: [ref(cell, 2)] }, now));
        cell.accept((image) => unregisterBroker(image, { brokerId: 2 }));
      },
    ],
  ])("is dropped when %s", (_, happens) => {
    const cell = cellOfThree();
    ask(cell, 2, [1]);
    happens(cell);
    expect(waiting(cell)).toEqual([]);
  });

  test("no longer waits for a broker that is fenced", () => {
    const cell = cellOfThree();
    ask(cell, 1, [2, 3]);
    cell.accept((image, now) => fenceBrokers(image, { brokers: [ref(cell, 2)] }, now));
    expect(waiting(cell)).toEqual([{ brokerId: 1, asked: [3] }]);
  });

  test("lets nobody take over who has had the answer, or asked another one", () => {
    const cell = cellOfThree();
    const missed = { brokerId: 1, epoch: 1 };
    const takes = (question: number) => (image: TestCell["image"]) =>
      takeOver(image, { ...ref(cell, 2), missed, question }, cell.context());
    const question = ask(cell, 2, [1]);
    expect(cell.reject(takes(question - 1)).error).toBe("QUESTION_ANSWERED");
    answer(cell, 1);
    expect(cell.reject(takes(question)).error).toBe("QUESTION_ANSWERED");
    cell.accept(takes(ask(cell, 2, [1])));
    expect(cell.image.controller).toEqual({ brokerId: 2, epoch: 2 });
  });

  test("is not asked of brokers that are not there, nor about a term that is over", () => {
    const cell = cellOfThree();
    ask(cell, 2, [9]);
    expect(cell.records).toEqual([]);
    const request = { ...ref(cell, 2), asked: [1], heardCount: 1, controllerEpoch: 0 };
    expect(cell.reject((image, now) => askInLog(image, request, now)).error).toBe(
      "STALE_CONTROLLER_EPOCH",
    );
  });

  test("cannot be asked in a cell that does not know it", () => {
    const cell = cellOfThree(4);
    const request = { ...ref(cell, 2), asked: [1], heardCount: 1, controllerEpoch: 1 };
    expect(cell.reject((image, now) => askInLog(image, request, now)).error).toBe(
      "UNSUPPORTED_VERSION",
    );
    expect(() => encodeRecord({ kind: "answer", brokerId: 1, askedBy: [2] }, 4)).toThrow(
      "at level 4",
    );
  });
});
