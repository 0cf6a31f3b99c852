import { defineConfig } from "vitest/config";

// unit: pure code and simulated ports, seconds. simulation: whole cells in simulated time, and the simulator itself. integration: real sockets, disks and processes on loopback.
// infra: what CloudFormation would be given, without an account.
// image: the Dockerfile, built and run; skipped aloud where there is nothing to build with.
// e2e: the deployed whole on an emulator of AWS, skipped aloud where that is absent. clients: unmodified Kafka clients, each skipped aloud where its toolchain is absent.
// In CI each run leaves its counts for .ci/summary.mjs.
const reporters = process.env["CI"]
  ? ["default", ["json", { outputFile: `.test-results/${process.pid}.json` }] as ["json", object]]
  : ["default"];

export default defineConfig({
  test: {
    reporters,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/contracts/**/*.test.ts"],
          // Some start processes; a machine that does something else as well is no reason to fail.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // CDK checks every template that it writes, which takes seconds: where that is the matter (rules.test.ts) it is switched on.
          env: { CDK_VALIDATION: "false" },
          // Loading CDK takes longer than all of the tests: once, for all files.
          isolate: false,
          fileParallelism: false,
          // One group after the other: within one all have as many workers.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "clients",
          include: ["test/clients/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "image",
          include: ["test/image/**/*.test.ts"],
          // For the broker in an emulator.
          testTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
    maxWorkers: 2,
  },
});
