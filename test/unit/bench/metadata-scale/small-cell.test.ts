import { describe, expect, test } from "vitest";

import { buildCell } from "../../../../bench/metadata-scale/building.ts";
import { controllerOf, headOf, pass } from "../../../../bench/metadata-scale/cell.ts";
import type { ScaleCell } from "../../../../bench/metadata-scale/cell.ts";
import {
  comeback,
  failover,
  leadersBack,
  replacement,
} from "../../../../bench/metadata-scale/episode.ts";
import type { Episode } from "../../../../bench/metadata-scale/episode.ts";
import { tablesOf } from "../../../../bench/metadata-scale/report.ts";
import {
  everythingLoss,
  singleLosses,
  zoneLoss,
  zoneReplaced,
} from "../../../../bench/metadata-scale/scenes.ts";
import { duties, idle, replay, snapshot } from "../../../../bench/metadata-scale/standing.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";

// The whole measurement on a cell that is small enough for every run of the tests.

const size = { brokers: 6, topics: 30, partitionsPerTopic: 10 };

async function smallCell(): Promise<ScaleCell> {
  const cell = await buildCell(size, {});
  await pass(cell, 15_000);
  cell.dynamo.takeBill();
  return cell;
}

function others(cell: ScaleCell) {
  const controller = controllerOf(cell);
  return cell.brokers.filter((broker) => broker !== controller);
}

describe("a small cell of machines", () => {
  test("costs what its brokers poll while nothing happens, those least that are told of news", async () => {
    const cell = await smallCell();
    await pass(cell, 60_000);
    const { pollMs, toldPollMs } = cell.config;
    const polls = 60_000 / pollMs + (5 * 60_000) / toldPollMs;
    const { calls, readUnits, writeUnits, throttledCount } = cell.dynamo.takeBill();
    expect(calls).toEqual(new Map([["Query", polls]]));
    expect({ readUnits, writeUnits, throttledCount }).toEqual({
      readUnits: polls,
      writeUnits: 0,
      throttledCount: 0,
    });
  });

  test("fails over from a killed process in one entry, and is whole again once it is back", async () => {
    const cell = await smallCell();
    const brokers = others(cell).slice(0, 1);
    const lost = await failover(cell, "a process", { brokers, isHost: false });
    expect(lost.entries.map(({ name }) => name)).toEqual(["fence"]);
    expect(lost.inLogMs).toBeLessThan(1_000);
    expect(headOf(cell).leaderlessCount).toBe(0);
    const back = await comeback(cell, "it is back", brokers);
    expect(back.entries.map(({ name }) => name)).toContain("alterPartition");
    await leadersBack(cell, "leaders");
    expect(imageProblems(headOf(cell))).toEqual([]);
  });

  test("fails over from its controller with the office", async () => {
    const cell = await smallCell();
    const controller = controllerOf(cell);
    if (controller === undefined) throw new Error("it has one");
    const lost = await failover(cell, "it", { brokers: [controller], isHost: false });
    expect(lost.entries.map(({ name }) => name)).toEqual(["takeOver"]);
    expect(lost.voteCount).toBeGreaterThan(0);
  });

  test("gives the replicas of a lost zone to others", async () => {
    const cell = await smallCell();
    const zone = others(cell)[0]?.zone;
    const brokers = cell.brokers.filter((broker) => broker.zone === zone);
    const lost = await failover(cell, "a zone", { brokers, isHost: true });
    expect(lost.inLogMs).toBeGreaterThan(6_500);
    const moved = await replacement(cell, "its replicas", brokers);
    expect(moved.entries.map(({ name }) => name)).toContain("replace");
    const held = [...headOf(cell).topics.values()].flatMap(({ partitions }) => partitions);
    for (const { replicas, isr } of held) {
      expect(replicas).toHaveLength(3);
      expect(isr).toEqual(replicas);
    }
    expect(imageProblems(headOf(cell))).toEqual([]);
  });

  test("goes through all that is measured, and is told in tables", async () => {
    const cell = await smallCell();
    const episodes: Episode[] = [];
    const watch = (episode: Episode) => void episodes.push(episode);
    const image = headOf(cell);
    const idleCosts = await idle(cell, 1);
    await singleLosses(cell, watch);
    await zoneLoss(cell, watch);
    const replayCosts = await replay(cell);
    await zoneReplaced(cell, watch);
    await everythingLoss(cell, watch);
    expect(imageProblems(headOf(cell))).toEqual([]);
    expect(headOf(cell).leaderlessCount).toBe(0);
    const [fresh, worn] = [snapshot(image), snapshot(headOf(cell))];
    const memory = { heapBytes: 1 };
    const text = tablesOf({
      episodes,
      idle: idleCosts,
      duties: duties(cell),
      snapshots: { fresh, worn },
      memory: { fresh: memory, worn: memory },
      replay: replayCosts,
    });
    for (const { title, inLogMs, knownMs } of episodes) {
      expect(text).toContain(title);
      expect(inLogMs).toBeGreaterThan(0);
      expect(knownMs).toBeGreaterThanOrEqual(inLogMs - 20);
    }
    expect(text).not.toContain("NaN");
  });

  test("repeats itself exactly", async () => {
    const lives = [await smallCell(), await smallCell()];
    const [first, second] = lives.map(headOf);
    expect(first).toEqual(second);
  });
});
