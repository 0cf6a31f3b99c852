import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { cellDefaults } from "../../../../sdk/src/cli/cell-options.ts";
import {
  httpPortOf,
  kafkaPortOf,
  slotNumber,
  slotsIn,
  startCommand,
  zoneOf,
} from "../../../../sdk/src/cli/slots.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("the first broker has the port that was asked for, the others those after it", () => {
  expect([1, 2, 3].map((slot) => kafkaPortOf(cellDefaults, slot))).toEqual([9092, 9093, 9094]);
});

test("brokers serve HTTP right after the API", () => {
  expect([1, 2, 3].map((slot) => httpPortOf(cellDefaults, slot))).toEqual([8081, 8082, 8083]);
});

test("port 0 is a free one for every broker", () => {
  const free = { ...cellDefaults, port: 0, httpPort: 0 };
  expect([kafkaPortOf(free, 3), httpPortOf(free, 3)]).toEqual([0, 0]);
});

test("each broker has a zone of its own, unless they share fewer", () => {
  expect([1, 2, 3].map((slot) => zoneOf(slot))).toEqual(["zone-1", "zone-2", "zone-3"]);
  expect([1, 2, 3, 4].map((slot) => zoneOf(slot, 2))).toEqual([
    "zone-1",
    "zone-2",
    "zone-1",
    "zone-2",
  ]);
});

test("the command that starts a broker again says no more than is needed", () => {
  expect(startCommand(cellDefaults, 2, "zone-2")).toBe("npx --no myelin broker --slot 2");
  const others = {
    ...cellDefaults,
    data: "/tmp/my data",
    port: 9192,
    hotMemory: 32 * 1024 * 1024,
  };
  expect(startCommand(others, 3, "zone-1")).toBe(
    "npx --no myelin broker --slot 3 --zone zone-1 --data '/tmp/my data' --port 9192 --hot-memory 32MiB",
  );
});

test("slots are counted by the directories that brokers have left", () => {
  using directory = temporaryDirectory();
  const options = { ...cellDefaults, data: directory.path };
  expect(slotsIn(options)).toBe(0);
  for (const name of ["broker-1", "broker-2", "broker-4"]) mkdirSync(join(directory.path, name));
  expect(slotsIn(options)).toBe(2);
});

test("a machine has as many brokers as fit between two clusters' ports", () => {
  expect(slotNumber("99")).toBe(99);
  for (const wrong of ["0", "100", "-1", "two"])
    expect(() => slotNumber(wrong)).toThrow(InvalidArgumentError);
});
