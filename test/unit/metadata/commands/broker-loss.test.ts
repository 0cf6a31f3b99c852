import { expect, test } from "vitest";

import { awaitedPartitions } from "../../../../metadata/commands/broker-loss.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { declareLost } from "../../../../metadata/commands/declare-lost.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { readyCell } from "../test-cell.ts";

test("only partitions without a leader wait for a broker, the last copy among them without others", () => {
  const cell = readyCell(3);
  const { clusterId } = cell;
  for (const brokerIds of [[1], [1, 2], [1, 3]]) {
    const topic = { name: `on-${brokerIds.join("-")}`, assignments: [{ index: 0, brokerIds }] };
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  }
  const ref = (brokerId: number) => {
    return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
  };
  const waiting = () =>
    awaitedPartitions(cell.image, 1).map(({ topic, otherMembers }) => [topic.name, otherMembers]);
  expect(waiting()).toEqual([]);
  const brokers = [ref(1), ref(2)];
  cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
  expect(waiting()).toEqual([
    ["on-1", []],
    ["on-1-2", [2]],
  ]);
  cell.accept((image, context) => declareLost(image, ref(2), context));
  expect(waiting()).toEqual([
    ["on-1", []],
    ["on-1-2", []],
  ]);
});
