import type { ScaleBroker } from "./broker.ts";
import type { ScaleCell } from "./cell.ts";
import { travel } from "./messages.ts";

/** kill -9, with or without the host under it. A process's kernel closes its connections; those of a lost host just fall silent. */
export function kill(
  cell: ScaleCell,
  broker: ScaleBroker,
  { isHost = false }: { isHost?: boolean } = {},
): void {
  const ended = broker.running;
  if (ended === null) throw new Error(`broker ${broker.brokerId} does not run`);
  ended.stop();
  broker.running = null;
  broker.isHostUp = !isHost;
  if (isHost) return;
  const { brokerId } = broker;
  for (const other of cell.brokers) {
    const close = (side: "theirs" | "ours") =>
      travel(cell, other, (running) => running.step({ type: "connectionClosed", brokerId, side }));
    travel(cell, other, ({ news }) => news.closed(brokerId));
    if (ended.connections.has(other.brokerId)) close("theirs");
    if (other.running?.connections.delete(brokerId) === true) close("ours");
  }
}
