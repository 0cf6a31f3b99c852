/**
 * Kafka's own default for keyed records, so that every client of a topic puts a key into the same partition: murmur2 with the seed of the Java
 * client (org.apache.kafka.common.utils.Utils.murmur2), sign bit cleared.
 */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}

const multiplier = 0x5bd1e995;
const seed = 0x9747b28c;

function murmur2(data: Uint8Array): number {
  const { length } = data;
  const view = new DataView(data.buffer, data.byteOffset, length);
  let hash = seed ^ length;
  const wholeWords = length >> 2;
  for (let word = 0; word < wholeWords; word++) {
    let k = Math.imul(view.getInt32(word * 4, true), multiplier);
    k ^= k >>> 24;
    k = Math.imul(k, multiplier);
    hash = Math.imul(hash, multiplier) ^ k;
  }
  const tail = wholeWords * 4;
  const left = length - tail;
  if (left === 3) hash ^= (data[tail + 2] ?? 0) << 16;
  if (left >= 2) hash ^= (data[tail + 1] ?? 0) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (data[tail] ?? 0), multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}
