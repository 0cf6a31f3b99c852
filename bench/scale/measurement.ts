/** One figure of a measurement. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
};

export type ScaleOptions = {
  /** Of what the measurement is named after: connections, topics, groups, partitions. Each has its own default. */
  readonly count?: number;
  readonly say: (line: string) => void;
};

/** What main.ts runs. A module of this folder exports `name`, `title` and `run`; `run` starts and stops what it needs. */
export type Measurement = {
  /** As --only names it. */
  readonly name: string;
  readonly title: string;
  run(options: ScaleOptions): Promise<Figure[]>;
};
