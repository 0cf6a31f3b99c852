import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Network } from "../../ports/network.ts";
import { NetworkError } from "../../ports/network.ts";
import { voteRequest, voteResponse } from "../../protocol/messages/vote.ts";
import type { Peer } from "../peers/peer.ts";
import { createPeer, PeerError } from "../peers/peer.ts";
import type {
  DialOutcome,
  Heartbeat,
  HeartbeatAnswer,
  HeartbeatReport,
  VoteOutcome,
} from "./cell-events.ts";
import {
  answerFromWire,
  heartbeatRequest,
  heartbeatResponse,
  heartbeatToWire,
  heartbeatVersion,
} from "./heartbeat-message.ts";
import type { VoteQuestion } from "./vote-message.ts";
import { voteAnswerFromWire, voteToWire, voteVersion } from "./vote-message.ts";

/** What a broker asks others of its cell for the cell's own sake. Nothing here throws: that there was no answer is an answer. */
export type CellCalls = {
  heartbeat(brokerId: number, said: Heartbeat, report: HeartbeatReport): Promise<HeartbeatOutcome>;
  /** Connects, and closes again: somebody listens there or nobody does. */
  dial(brokerId: number, timeoutMs: number): Promise<DialOutcome>;
  /** `controllerEpoch`: the newest term the other knows; -1 without an answer. */
  askVote(brokerId: number, question: VoteQuestion, timeoutMs: number): Promise<VoteReply>;
  close(): void;
};

export type HeartbeatOutcome =
  | { readonly kind: "answered"; readonly answer: HeartbeatAnswer }
  | { readonly kind: "failed"; readonly reason: "refused" | "lost" | "timedOut" };

export type VoteReply = { readonly outcome: VoteOutcome; readonly controllerEpoch: number };

export type CellCallsOptions = {
  readonly selfId: number;
  readonly image: Image;
  readonly network: Network;
  readonly clock: Clock;
  /** A heartbeat without an answer for so long is given up, and its connection with it. */
  readonly heartbeatTimeoutMs: number;
  /** The connection that heartbeats go over was closed by the other end. */
  readonly onLost: (brokerId: number) => void;
};

const maxFrameBytes = 1024 * 1024;

export function createCellCalls(options: CellCallsOptions): CellCalls {
  return new Calls(options);
}

type ControllerLink = { readonly epoch: number; readonly peer: Peer; isBusy: boolean };

class Calls implements CellCalls {
  readonly #options: CellCallsOptions;
  /** To the controller, in one life of it. */
  #controller: ControllerLink | null = null;
  /** Of questions under way. */
  readonly #voters = new Set<Peer>();

  constructor(options: CellCallsOptions) {
    this.#options = options;
  }

  async heartbeat(
    brokerId: number,
    said: Heartbeat,
    report: HeartbeatReport,
  ): Promise<HeartbeatOutcome> {
    const link = this.#controllerLink(brokerId);
    if (link === null) return { kind: "failed", reason: "lost" };
    link.isBusy = true;
    try {
      const response = await link.peer.call({
        request: heartbeatRequest,
        response: heartbeatResponse,
        version: heartbeatVersion,
        body: heartbeatToWire(said, report),
        timeoutMs: this.#options.heartbeatTimeoutMs,
      });
      const answer = answerFromWire(response);
      return answer === null ? { kind: "failed", reason: "lost" } : { kind: "answered", answer };
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return { kind: "failed", reason: error.code === "corrupt" ? "lost" : error.code };
    } finally {
      link.isBusy = false;
    }
  }

  async dial(brokerId: number, timeoutMs: number): Promise<DialOutcome> {
    const address = this.#addressOf(brokerId);
    // Whoever is not in the log is not waited for.
    if (address === null) return "refused";
    try {
      const connection = await this.#options.network.dial(address, { timeoutMs });
      connection.destroy();
      return "answered";
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      // An error on the way says nothing about the process at its end.
      return error.code === "refused" ? "refused" : "timedOut";
    }
  }

  async askVote(brokerId: number, question: VoteQuestion, timeoutMs: number): Promise<VoteReply> {
    const peer = this.#peerTo(brokerId, "vote");
    if (peer === null) return { outcome: "silent", controllerEpoch: -1 };
    this.#voters.add(peer);
    try {
      const response = await peer.call({
        request: voteRequest,
        response: voteResponse,
        version: voteVersion,
        body: voteToWire(question),
        timeoutMs,
      });
      const answer = voteAnswerFromWire(response);
      if (answer === null) return { outcome: "silent", controllerEpoch: -1 };
      const { isGranted, controllerEpoch } = answer;
      return { outcome: isGranted ? "granted" : "denied", controllerEpoch };
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return { outcome: error.code === "refused" ? "refused" : "silent", controllerEpoch: -1 };
    } finally {
      this.#voters.delete(peer);
      peer.close();
    }
  }

  close(): void {
    this.#controller?.peer.close();
    for (const peer of this.#voters) peer.close();
  }

  #controllerLink(brokerId: number): ControllerLink | null {
    const epoch = this.#options.image.brokers.get(brokerId)?.epoch;
    if (epoch === undefined) return null;
    // Busy with what was said to it in a former term: its answer says nothing about this one.
    if (this.#controller?.epoch === epoch && !this.#controller.isBusy) return this.#controller;
    this.#controller?.peer.close();
    const peer = this.#peerTo(brokerId, "heartbeat");
    this.#controller = peer === null ? null : { epoch, peer, isBusy: false };
    return this.#controller;
  }

  #peerTo(brokerId: number, task: string): Peer | null {
    const { selfId, network, clock, onLost } = this.#options;
    const address = this.#addressOf(brokerId);
    if (address === null) return null;
    const clientId = `broker-${selfId}-${task}`;
    return createPeer({
      network,
      clock,
      address,
      clientId,
      maxFrameBytes,
      ...(task === "heartbeat" ? { onLost: () => onLost(brokerId) } : {}),
    });
  }

  #addressOf(brokerId: number): { host: string; port: number } | null {
    const broker = this.#options.image.brokers.get(brokerId);
    return broker === undefined ? null : { host: broker.host, port: broker.port };
  }
}
