import type {
  AlterPartitionOutcome,
  AlterPartitionRequest,
} from "../../metadata/commands/alter-partition.ts";
import { alterPartitions } from "../../metadata/commands/alter-partition.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Network } from "../../ports/network.ts";
import { alterPartitionResponse } from "../../protocol/messages/alter-partition.ts";
import type { Peer } from "../peers/peer.ts";
import { createPeer } from "../peers/peer.ts";
import type { IsrAnswer } from "./alter-partition-message.ts";
import {
  alterPartitionRequest,
  alterPartitionVersion,
  answersFromWire,
  toWire,
} from "./alter-partition-message.ts";
import { createIsrDesk } from "./isr-desk.ts";

/** A leader's way to the controller for its in-sync sets: over the network, or none where this broker is the controller, or there is none. */
export type ControllerLink = {
  /** Throws if nobody knows what became of it. */
  alterPartitions(request: AlterPartitionRequest): Promise<readonly IsrAnswer[]>;
  /** The decision itself, on the metadata log, by the broker that is the controller. Throws MetadataLogError. */
  decide(request: AlterPartitionRequest): Promise<AlterPartitionOutcome>;
  close(): void;
};

export type ControllerLinkOptions = {
  readonly selfId: number;
  readonly metadata: MetadataReplica;
  readonly network: Network;
  readonly clock: Clock;
};

const timeoutMs = 10_000;
/** An answer for the most partitions that are asked for at once is some 100 KB. */
const maxFrameBytes = 16 * 1024 * 1024;

export function createControllerLink(options: ControllerLinkOptions): ControllerLink {
  const { selfId, metadata, network, clock } = options;
  const decide = createIsrDesk(async (requests) => {
    const submitted = await metadata.submit(
      (image, context) => alterPartitions(image, requests, context),
      { isController: true },
    );
    if (submitted.kind === "rejected") throw new Error(submitted.message);
    return submitted.result;
  });
  let dialled: { readonly epoch: number; readonly peer: Peer } | null = null;

  /** One per term of office and registration: the next controller, or the next life of this one, may be elsewhere. */
  function peerTo(brokerId: number): Peer | null {
    const broker = metadata.image.brokers.get(brokerId);
    if (broker === undefined) return null;
    if (dialled?.epoch === broker.epoch) return dialled.peer;
    dialled?.peer.close();
    const address = { host: broker.host, port: broker.port };
    const clientId = `broker-${selfId}-in-sync`;
    const peer = createPeer({ network, clock, address, clientId, maxFrameBytes });
    dialled = { epoch: broker.epoch, peer };
    return peer;
  }

  return {
    async alterPartitions(request) {
      const { brokerId } = metadata.image.controller;
      const peer = brokerId === null || brokerId === selfId ? null : peerTo(brokerId);
      if (peer === null) return answersOf(await decide(request));
      const answer = await peer.call({
        request: alterPartitionRequest,
        response: alterPartitionResponse,
        version: alterPartitionVersion,
        body: toWire(request),
        timeoutMs,
      });
      return answersFromWire(request, answer);
    },
    decide,
    close: () => dialled?.peer.close(),
  };
}

function answersOf(outcome: AlterPartitionOutcome): readonly IsrAnswer[] {
  if (outcome.kind === "rejected") throw new Error(outcome.message);
  return outcome.partitions;
}
