// What the profiles of the CDK app are made of (infra/constructs/profile.ts; a test holds the two together), and what a broker of each can carry.

export type Size = {
  readonly zoneCount: number;
  /** What a cell begins with. */
  readonly brokersPerZone: number;
  /** What it grows to under load, and no further. */
  readonly maxBrokersPerZone: number;
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly diskGb: number;
  readonly hasBalancer: boolean;
  readonly hasKey: boolean;
  /** How long the bucket keeps what was deleted. */
  readonly oldVersionDays: number;
  /**
   * Bytes a second that producers may send for each broker of the cell, replication and one reading of everything included. Reckoned with a quarter of
   * what a broker of as many cores was measured to do on a machine of its own (bench/README.md): Fargate's disks and network are not measured yet.
   */
  readonly bytesPerBroker: number;
};

const MB = 1_000_000;

export const sizes = {
  dev: {
    zoneCount: 1,
    brokersPerZone: 1,
    maxBrokersPerZone: 1,
    vcpus: 0.25,
    memoryGb: 1,
    diskGb: 21,
    hasBalancer: false,
    hasKey: false,
    oldVersionDays: 1,
    bytesPerBroker: 2 * MB,
  },
  standard: {
    zoneCount: 3,
    brokersPerZone: 1,
    maxBrokersPerZone: 4,
    vcpus: 1,
    memoryGb: 2,
    diskGb: 50,
    hasBalancer: true,
    hasKey: true,
    oldVersionDays: 7,
    bytesPerBroker: 10 * MB,
  },
  performance: {
    zoneCount: 3,
    brokersPerZone: 2,
    maxBrokersPerZone: 10,
    vcpus: 2,
    memoryGb: 8,
    diskGb: 200,
    hasBalancer: true,
    hasKey: true,
    oldVersionDays: 7,
    bytesPerBroker: 25 * MB,
  },
} as const satisfies Record<string, Size>;

export type SizeName = keyof typeof sizes;
