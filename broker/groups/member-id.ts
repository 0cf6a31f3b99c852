import type { Random } from "../../ports/random.ts";

/** `<client id or instance id>-<uuid>`, as Kafka makes them and people grep for them. */
export function newMemberId(prefix: string, random: Random): string {
  // Cut in the middle of a surrogate pair, the id would come back from the client as another one.
  return `${prefix.slice(0, 1_000).toWellFormed()}-${randomUuid(random)}`;
}

/** RFC 9562 version 4. */
function randomUuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
