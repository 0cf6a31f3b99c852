import { expect, test } from "vitest";
import {
  cpuOfStat,
  isKernelThread,
  kilobytesOfStatus,
  machineCpuOfStat,
} from "../../../../bench/harness/process-figures.ts";

const stat =
  "4242 (a (very) odd name) S 1 4242 4242 0 -1 4194560 1000 2000 0 0 1234 567 8 9 20 0 11 0 300 1000000 2000 18446744073709551615";

test("user and system time are found behind a name with spaces and parentheses", () => {
  expect(cpuOfStat(stat)).toEqual({ user: 12.34, system: 5.67 });
});

test("a child of kthreadd is a kernel thread, a child of init is not", () => {
  expect(isKernelThread("77 (kworker/u8:4-flush) I 2 0 0 0 -1 69238880 0 0")).toBe(true);
  expect(isKernelThread(stat)).toBe(false);
});

test("resident memory is read by its exact name", () => {
  const status = "Name:\tnode\nVmHWM:\t  400000 kB\nVmRSS:\t  350000 kB\nRssFile:\t   50000 kB\n";
  expect(kilobytesOfStatus(status, "VmRSS")).toBe(350_000);
  expect(kilobytesOfStatus(status, "RssFile")).toBe(50_000);
});

test("a process without memory, such as a zombie, has none", () => {
  expect(kilobytesOfStatus("Name:\tnode\nState:\tZ (zombie)\n", "VmRSS")).toBe(0);
});

test("idle and waiting time are not busy, and stolen time is told apart", () => {
  const text = "cpu  100 10 200 5000 300 20 30 40 0 0\ncpu0 50 5 100 2500 150 10 15 20 0 0\n";
  expect(machineCpuOfStat(text)).toEqual({ busy: 3.6, stolen: 0.4 });
});
