/** Java's String.hashCode: clients never compute it for coordinators, but every broker must place a key on the same partition. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** Kafka's Utils.abs: the sign bit is masked off, because the absolute value of the least integer is negative in Java. */
export function partitionForKey(key: string, partitionCount: number): number {
  return (javaStringHash(key) & 0x7fffffff) % partitionCount;
}
