type Said = { readonly topicId: string; readonly index: number };

/** What has been said of partitions, to be asked for by partition: after a power cut of everybody that is three ends for each of the cell. */
export function saidByPartition<Each extends Said>(
  said: readonly Each[],
): (topicId: string, index: number) => readonly Each[] {
  const byTopic = new Map<string, Each[][]>();
  for (const each of said) {
    let ofTopic = byTopic.get(each.topicId);
    if (ofTopic === undefined) {
      ofTopic = [];
      byTopic.set(each.topicId, ofTopic);
    }
    const known = ofTopic[each.index];
    if (known === undefined) ofTopic[each.index] = [each];
    else known.push(each);
  }
  return (topicId, index) => byTopic.get(topicId)?.[index] ?? [];
}
