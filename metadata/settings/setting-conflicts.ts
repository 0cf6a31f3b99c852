import { listOf } from "./setting.ts";

// What settings must be together, in Kafka's words: of a topic with its cluster's defaults, and of those defaults alone.

export type Conflict = { readonly name: string; readonly message: string };

/** `valueOf`: the value in force of a topic setting; `isOwn`: whether it is set there, and not taken over. Null if nothing is wrong. */
export function conflictIn(
  valueOf: (name: string) => string,
  isOwn: (name: string) => boolean,
): Conflict | null {
  const retained = (local: string, total: string): Conflict | null =>
    // A local limit that is taken over does no harm above a total: a topic that is to keep little for once needs no other local one.
    isOwn(local) ? localRetention(valueOf, local, total) : null;
  return (
    compactionLags(valueOf) ??
    retained("local.retention.ms", "retention.ms") ??
    retained("local.retention.bytes", "retention.bytes")
  );
}

function compactionLags(valueOf: (name: string) => string): Conflict | null {
  const least = valueOf("min.compaction.lag.ms");
  const most = valueOf("max.compaction.lag.ms");
  if (BigInt(least) <= BigInt(most)) return null;
  return {
    name: "max.compaction.lag.ms",
    message: `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`,
  };
}

const unbounded = -1n;
const asRetention = -2n;

/** Not more may be kept on disks than is kept at all (KIP-405). Where nothing is deleted by retention, all is kept, and nothing bounds it. */
function localRetention(
  valueOf: (name: string) => string,
  localName: string,
  totalName: string,
): Conflict | null {
  const [local, total] = [BigInt(valueOf(localName)), BigInt(valueOf(totalName))];
  if (local === asRetention || total === unbounded) return null;
  if (!listOf(valueOf("cleanup.policy")).includes("delete")) return null;
  if (local !== unbounded && local <= total) return null;
  const message =
    local === unbounded
      ? `Value must not be -1 as ${totalName} value is set as ${total}.`
      : `Value must not be more than ${totalName} property value: ${total}`;
  return {
    name: localName,
    message: `Invalid value ${local} for configuration ${localName}: ${message}`,
  };
}
