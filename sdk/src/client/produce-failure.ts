// A send whose request fails in one partition may have succeeded in others, and the library throws one error for all of it, with the responses inside.

type Place = { readonly topic: string; readonly partition: number };
type PartitionResponse = { index: number; errorCode: number; baseOffset: bigint };
type ProduceResponse = { responses: { name: string; partitionResponses: PartitionResponse[] }[] };
const maxDepth = 5;

/** What was written all the same: requests to other brokers, and other partitions of the last attempt of the failed one. */
export function written(error: unknown): (Place & { offset: bigint })[] {
  const { produced } = error as { produced?: { offsets?: (Place & { offset: bigint })[] } };
  return [
    ...(produced?.offsets ?? []),
    ...failuresIn(error, 0).flatMap(({ response }) =>
      response.responses.flatMap(({ name, partitionResponses }) =>
        partitionResponses
          .filter(({ errorCode }) => errorCode === 0)
          .map(({ index, baseOffset }) => ({ topic: name, partition: index, offset: baseOffset })),
      ),
    ),
  ];
}

/** The error of that partition, where the request failed in several with different ones; undefined if it has none of its own. */
export function errorOf(error: unknown, { topic, partition }: Place): unknown {
  for (const { response, errors } of failuresIn(error, 0)) {
    const topicAt = response.responses.findIndex(({ name }) => name === topic);
    const partitions = response.responses[topicAt]?.partitionResponses ?? [];
    const partitionAt = partitions.findIndex(({ index }) => index === partition);
    const path = `/responses/${topicAt}/partition_responses/${partitionAt}`;
    const found = errors.find((each) => each.path === path);
    if (found !== undefined) return found;
  }
  return undefined;
}

type ResponseFailure = { response: ProduceResponse; errors: { path?: unknown }[] };

/** The answers that had errors in them: of every broker (the outermost list), and of several attempts the last, which tells how things stand. */
function failuresIn(error: unknown, depth: number): ResponseFailure[] {
  if (typeof error !== "object" || error === null || depth > maxDepth) return [];
  const { response, errors } = error as { response?: unknown; errors?: unknown };
  if (!Array.isArray(errors)) return [];
  if (typeof response === "object" && response !== null && "responses" in response)
    return [error as ResponseFailure];
  const telling: unknown[] = depth === 0 ? errors : errors.slice(-1);
  return telling.flatMap((each) => failuresIn(each, depth + 1));
}
