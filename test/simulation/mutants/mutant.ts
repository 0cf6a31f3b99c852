/**
 * A rule of the product broken on purpose, to see that the simulator notices. Each text must be in its file exactly once: code that changes takes its mutants
 * along, or their test says that they are gone.
 */
export type Mutant = {
  /** What `--mutant` calls it. */
  readonly name: string;
  /** The rule it breaks. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** What must be said about it: a part of the violation. */
  readonly foundBy: RegExp;
  /** Seeds within which it must be found. */
  readonly withinSeeds: number;
  /** The first of them: 1, but for what so few seeds come to that all from there on would take minutes. */
  readonly fromSeed?: number;
  /** Faults that bring it to light, as `--faults` has them. */
  readonly faults: string;
  /** More of what `main.ts` takes: how many brokers (one, where it is not said), which topics, how long. */
  readonly options?: readonly string[];
};

export type Edit = {
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
};
