import type { ClusterMetadata, Consumer } from "@platformatic/kafka";

export type FetchResponse = Awaited<ReturnType<Consumer["fetch"]>>;

const offsetOutOfRange = 1;

/** The library throws the response of a fetch in which any partition failed; it may be nested in the errors of its retries. */
export function outOfRangePlaces(
  error: unknown,
  metadata: ClusterMetadata,
): { topic: string; partition: number }[] {
  const response = responseIn(error, 0);
  return (response?.responses ?? []).flatMap(({ topicId, partitions }) => {
    const topic = topicName(metadata, topicId);
    if (topic === null) return [];
    return partitions
      .filter(({ errorCode }) => errorCode === offsetOutOfRange)
      .map(({ partitionIndex }) => ({ topic, partition: partitionIndex }));
  });
}

function responseIn(error: unknown, depth: number): FetchResponse | null {
  if (typeof error !== "object" || error === null || depth > 3) return null;
  const { response, errors } = error as { response?: unknown; errors?: unknown };
  if (typeof response === "object" && response !== null && "responses" in response)
    return response as FetchResponse;
  for (const inner of Array.isArray(errors) ? errors.toReversed() : []) {
    const found = responseIn(inner, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

export function topicName(metadata: ClusterMetadata, topicId: string): string | null {
  for (const [name, { id }] of metadata.topics) if (id === topicId) return name;
  return null;
}
