/** Where the brokers of a cell and their clients run: all on loopback, or each broker in a network namespace of its own. */
export type Places = {
  /** Where the broker in a slot listens. */
  host(slot: number): string;
  /** What a broker's command is run by. */
  brokerPrefix(slot: number): readonly string[];
  /** What a client's command is run by. */
  readonly clientPrefix: readonly string[];
};

export const loopback: Places = {
  host: () => "127.0.0.1",
  brokerPrefix: () => [],
  clientPrefix: [],
};
