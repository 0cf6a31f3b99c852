import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import {
  commandAtHead,
  controllerOf,
  createCellWorld,
  kill,
  pass,
  startBroker,
} from "./cell-world.ts";
import type { CellWorld, Node, WorldOptions } from "./cell-world.ts";

/** A cell that has had its controller for longer than a session. */
export function settled(options: WorldOptions): CellWorld {
  const world = createCellWorld(options);
  pass(world, 12_000);
  return world;
}

export function stateOf(world: CellWorld, node: Node): string | undefined {
  return world.head.brokers.get(node.brokerId)?.state;
}

export function controller(world: CellWorld): Node {
  const node = controllerOf(world);
  if (node === undefined) throw new Error("there is no controller");
  return node;
}

export function others(world: CellWorld): Node[] {
  return world.nodes.filter((node) => node !== controllerOf(world));
}

/** How long until something is so, from now. */
export function until(world: CellWorld, isSo: () => boolean, limitMs = 120_000): number {
  const fromMs = world.nowMs;
  const atMs = pass(world, limitMs, isSo);
  return atMs === null ? Infinity : atMs - fromMs;
}

export function restart(world: CellWorld, node: Node): void {
  kill(world, node);
  startBroker(world, node);
}

export function fence(world: CellWorld, { brokerId }: Node): void {
  const brokerEpoch = world.head.brokers.get(brokerId)?.epoch ?? -1;
  const brokers = [{ brokerId, brokerEpoch }];
  commandAtHead(world, (image, context) => fenceBrokers(image, { brokers }, context));
}
