import type {
  AlterPartitionOutcome,
  AlterPartitionRequest,
} from "../../metadata/commands/alter-partition.ts";

type Asked = {
  readonly request: AlterPartitionRequest;
  readonly resolve: (outcome: AlterPartitionOutcome) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * What comes while one decision is under way is decided together by the next: every decision is an entry that all brokers read, and a restart in a cell of a
 * hundred makes each of them ask. A broker has one request under way, so that this waits for no more than there are brokers. `submit` answers in the order
 * of the requests; what it throws, all of them get.
 */
export function createIsrDesk(
  submit: (requests: readonly AlterPartitionRequest[]) => Promise<readonly AlterPartitionOutcome[]>,
): (request: AlterPartitionRequest) => Promise<AlterPartitionOutcome> {
  let waiting: Asked[] = [];
  let isBusy = false;

  async function decideAll(): Promise<void> {
    isBusy = true;
    while (waiting.length > 0) {
      const asked = waiting;
      waiting = [];
      await decideTogether(asked);
    }
    isBusy = false;
  }

  async function decideTogether(asked: readonly Asked[]): Promise<void> {
    try {
      const outcomes = await submit(asked.map(({ request }) => request));
      for (const [position, { resolve }] of asked.entries()) {
        const outcome = outcomes[position];
        if (outcome === undefined) throw new Error("each request has one outcome");
        resolve(outcome);
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  return (request) =>
    new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      if (!isBusy) void decideAll();
    });
}
