import type { LatencyMs } from "../harness/histogram.ts";

/** What one run of one workload against one target gave. GB and MB are decimal, and count the records' values as the client counts them. */
export type Figures = {
  readonly workload: string;
  readonly target: string;
  readonly round: number;
  readonly client: string;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly userSecondsPerGb: number;
  readonly systemSecondsPerGb: number;
  readonly cpuSecondsPerGb: number;
  readonly cpuMicrosPerRecord: number;
  /** Cores' worth of work of the broker, the client, the kernel's own threads (which write out what the broker wrote), and of everything else meanwhile. */
  readonly brokerCores: number;
  readonly clientCores: number;
  readonly kernelCores: number;
  readonly otherCores: number;
  readonly rssPeakMb: number;
  /** Of that, mapped files. */
  readonly rssFilesMb: number;
  /** At the end: what is shared by several of the broker's processes counts once. */
  readonly pssMb: number;
  readonly acknowledged?: LatencyMs;
  readonly received?: LatencyMs;
  readonly failed: number;
  readonly error: string;
  /** Others had more than a tenth of a core: the figure is no proof of anything. */
  readonly isDisturbed: boolean;
};

export type Counts = {
  readonly seconds: number;
  readonly records: number;
  readonly bytes: number;
  readonly user: number;
  readonly system: number;
};

type Costs = Pick<
  Figures,
  | "seconds"
  | "recordsPerSecond"
  | "megabytesPerSecond"
  | "userSecondsPerGb"
  | "systemSecondsPerGb"
  | "cpuSecondsPerGb"
  | "cpuMicrosPerRecord"
  | "brokerCores"
>;

export function costs({ seconds, records, bytes, user, system }: Counts): Costs {
  const gigabytes = bytes / 1e9;
  return {
    seconds,
    recordsPerSecond: records / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    userSecondsPerGb: user / gigabytes,
    systemSecondsPerGb: system / gigabytes,
    cpuSecondsPerGb: (user + system) / gigabytes,
    cpuMicrosPerRecord: ((user + system) * 1e6) / records,
    brokerCores: (user + system) / seconds,
  };
}

const disturbingCores = 0.1;
export const isDisturbing = (otherCores: number): boolean => otherCores > disturbingCores;
