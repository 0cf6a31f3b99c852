import type { Random } from "../../ports/random.ts";

/**
 * A random id in Kafka's form: 16 bytes as 22 characters of url-safe base64, never beginning with '-' (tools take that for an option). Version
 * and variant bits keep it away from Kafka's reserved ids, which are all but zero.
 */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = Buffer.from(random.bytes(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const uuid = bytes.toString("base64url");
    if (!uuid.startsWith("-")) return uuid;
  }
}
