import { MultipleErrors, NetworkError, ResponseError } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { errorOf, written } from "../../../../sdk/src/client/produce-failure.ts";

const produceKey = 0;
const notLeader = 6;
const tooLarge = 10;

/** The library's error for an answer of these partitions of `orders`: error code, 0 for none. */
function answer(codes: Record<number, number>): ResponseError {
  const partitionResponses = Object.entries(codes).map(([index, errorCode]) => ({
    index: Number(index),
    errorCode,
    baseOffset: BigInt(Number(index) * 100),
  }));
  const errors = Object.fromEntries(
    partitionResponses.flatMap(({ errorCode }, at) =>
      errorCode === 0 ? [] : [[`/responses/0/partition_responses/${at}`, [errorCode, null]]],
    ),
  ) as ConstructorParameters<typeof ResponseError>[2];
  const response = { responses: [{ name: "orders", partitionResponses }] };
  return new ResponseError(produceKey, 11, errors, response);
}

const place = (partition: number) => ({ topic: "orders", partition });

test("partitions that took their messages are told from those that did not", () => {
  const error = new MultipleErrors("Producing messages failed.", [answer({ 0: 0, 1: tooLarge })]);
  expect(written(error)).toEqual([{ topic: "orders", partition: 0, offset: 0n }]);
  expect(errorOf(error, place(1))).toMatchObject({ apiId: "MESSAGE_TOO_LARGE" });
  expect(errorOf(error, place(0))).toBeUndefined();
});

test("of several attempts the last one counts", () => {
  const attempts = new MultipleErrors("produce failed 2 times.", [
    answer({ 0: notLeader, 1: notLeader }),
    answer({ 0: 0, 1: tooLarge }),
  ]);
  const error = new MultipleErrors("Producing messages failed.", [attempts]);
  expect(written(error).map(({ partition }) => partition)).toEqual([0]);
  expect(errorOf(error, place(1))).toMatchObject({ apiId: "MESSAGE_TOO_LARGE" });
});

test("of several brokers each is heard", () => {
  const error = new MultipleErrors("Producing messages failed.", [
    answer({ 0: 0, 1: tooLarge }),
    answer({ 2: 0, 3: notLeader }),
  ]);
  Object.assign(error, { produced: { offsets: [{ ...place(4), offset: 7n }] } });
  expect(written(error).map(({ partition }) => partition)).toEqual([4, 0, 2]);
  expect(errorOf(error, place(3))).toMatchObject({ apiId: "NOT_LEADER_OR_FOLLOWER" });
});

test("without an answer nothing is known to be written", () => {
  const error = new MultipleErrors("Producing messages failed.", [new NetworkError("gone")]);
  expect(written(error)).toEqual([]);
  expect(errorOf(error, place(0))).toBeUndefined();
});
