/** States an invariant where it holds. A breach is a bug: the process stops rather than go on with a state nobody has thought about. */
export function assert(holds: boolean, invariant: string): asserts holds {
  if (!holds) throw new AssertionFailure(invariant);
}

export class AssertionFailure extends Error {
  constructor(invariant: string) {
    super(`invariant broken: ${invariant}`);
    this.name = "AssertionFailure";
  }
}
