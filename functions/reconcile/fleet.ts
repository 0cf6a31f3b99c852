/** A task of a broker, as ECS has it. */
export type BrokerTask = {
  readonly taskArn: string;
  /** Its private address: what the broker in it is registered with. Null before it has one. */
  readonly host: string | null;
  readonly isRunning: boolean;
};

/** The service of one zone. */
export type ZoneService = {
  readonly zone: string;
  readonly serviceName: string;
  readonly desiredCount: number;
  /** Those that ECS means to have run: not those that it is stopping. */
  readonly tasks: readonly BrokerTask[];
  /** ECS is rolling a deployment, or has one that failed. */
  readonly isDeploying: boolean;
};

/** The brokers' services. Every call may throw: what was not done is found undone by the next run. */
export type Fleet = {
  read(): Promise<ZoneService[]>;
  setDesiredCount(serviceName: string, count: number): Promise<void>;
  /** Has ECS take none of these when it next stops tasks of their service; for so many minutes. Throws if one of them was refused. */
  keep(taskArns: readonly string[], minutes: number): Promise<void>;
  /** Takes that back: ECS may stop them at once. Those that are not there are passed over. */
  free(taskArns: readonly string[]): Promise<void>;
};
