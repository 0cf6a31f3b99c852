import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Network } from "../../ports/network.ts";
import { fetchResponse } from "../../protocol/messages/fetch.ts";
import type { Peer } from "../peers/peer.ts";
import { createPeer, PeerError } from "../peers/peer.ts";
import type { MetadataFetch, MetadataFetchAnswer } from "./metadata-fetch.ts";
import {
  metadataAnswerFromWire,
  metadataFetchRequest,
  metadataFetchToWire,
  metadataFetchVersion,
} from "./metadata-fetch.ts";

/**
 * Keeps a question with the controller: "is there more of the metadata log than I have?" Its answer comes at the moment there is, and the log is read then.
 * Polling the log goes on beside it, slowly, for what the controller has not heard of either.
 */
export type MetadataFollower = {
  /** Resolves when every broker in service has the revision, or when the time is over: false then. */
  whenWithAll(revision: number, limitMs: number): Promise<boolean>;
  stop(): Promise<void>;
};

export type MetadataFollowerOptions = {
  readonly self: { readonly brokerId: number; readonly brokerEpoch: number };
  readonly metadata: MetadataReplica;
  readonly network: Network;
  readonly clock: Clock;
  /** Whether the controller tells of what is new; else the log is to be polled as if there were none. */
  readonly onTold: (isTold: boolean) => void;
};

const maxWaitMs = 5_000;
const answerTimeMs = 3_000;
const retryMs = 300;
const maxFrameBytes = 64 * 1024;

export function createMetadataFollower(options: MetadataFollowerOptions): MetadataFollower {
  const follower = new Follower(options);
  const done = follower.run();
  return {
    whenWithAll: (revision, limitMs) => follower.whenWithAll(revision, limitMs),
    stop() {
      follower.stop();
      return done;
    },
  };
}

class Follower {
  readonly #options: MetadataFollowerOptions;
  readonly #others = new Set<Peer>();
  #link: { readonly epoch: number; readonly peer: Peer } | null = null;
  #isStopped = false;
  #wake: (() => void) | null = null;
  readonly #stopListening: () => void;

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
    // Another controller, or the same one in another life: the question goes there.
    this.#stopListening = options.metadata.onChange((changes) => {
      const isMoved = changes.some(
        ({ kind }) =>
          kind === "controllerChanged" || kind === "brokerRegistered" || kind === "reloaded",
      );
      if (!isMoved) return;
      if (this.#link?.epoch !== this.#controller()?.epoch) this.#hangUp();
      this.#wake?.();
    });
  }

  async run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#isStopped) {
      const askedMs = clock.monotonicMs();
      const peer = this.#controllerPeer();
      const answer = peer === null ? null : await this.#ask(peer);
      if (this.#isStopped) return;
      this.#options.onTold(answer !== null);
      if (answer !== null && answer.revision > this.#options.metadata.revision) await this.#read();
      // Nobody to ask; or one who cannot let us wait answers at once, again and again.
      else if (answer === null || clock.monotonicMs() - askedMs < retryMs) await this.#pause();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#hangUp();
    for (const peer of this.#others) peer.close();
    this.#wake?.();
  }

  #hangUp(): void {
    this.#link?.peer.close();
    this.#link = null;
  }

  async whenWithAll(revision: number, limitMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + limitMs;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#isStopped) return false;
      const answer = await this.#askOnce(revision, Math.ceil(leftMs));
      if (answer?.isWithAll === true) return true;
      await new Promise<void>((resolve) => clock.after(Math.min(retryMs, leftMs), resolve));
    }
  }

  /** Over a connection of its own: the other one waits for news. */
  async #askOnce(revision: number, waitMs: number): Promise<MetadataFetchAnswer> {
    const broker = this.#controller();
    if (broker === null) return null;
    const peer = this.#peerTo(broker, "await");
    this.#others.add(peer);
    try {
      return await this.#call(peer, { revision, awaitsAll: true, maxWaitMs: waitMs });
    } finally {
      this.#others.delete(peer);
      peer.close();
    }
  }

  #ask(peer: Peer): Promise<MetadataFetchAnswer> {
    const { revision } = this.#options.metadata;
    return this.#call(peer, { revision, awaitsAll: false, maxWaitMs });
  }

  async #call(
    peer: Peer,
    asked: Pick<MetadataFetch, "revision" | "awaitsAll" | "maxWaitMs">,
  ): Promise<MetadataFetchAnswer> {
    try {
      const response = await peer.call({
        request: metadataFetchRequest,
        response: fetchResponse,
        version: metadataFetchVersion,
        body: metadataFetchToWire({ ...this.#options.self, ...asked }),
        timeoutMs: asked.maxWaitMs + answerTimeMs,
      });
      return metadataAnswerFromWire(response);
    } catch (error) {
      // The controller is gone or out of reach: the log is polled meanwhile, and names the next one.
      if (error instanceof PeerError) return null;
      throw error;
    }
  }

  async #read(): Promise<void> {
    try {
      await this.#options.metadata.readToHead();
    } catch (error) {
      if (!(error instanceof MetadataLogError)) throw error;
      // The replica says so once and polls on.
      await this.#pause();
    }
  }

  #controller(): { host: string; port: number; epoch: number } | null {
    const { image } = this.#options.metadata;
    const { brokerId } = image.controller;
    if (brokerId === null || brokerId === this.#options.self.brokerId) return null;
    return image.brokers.get(brokerId) ?? null;
  }

  #controllerPeer(): Peer | null {
    const broker = this.#controller();
    if (broker === null) return null;
    if (this.#link?.epoch === broker.epoch) return this.#link.peer;
    this.#hangUp();
    const peer = this.#peerTo(broker, "metadata");
    this.#link = { epoch: broker.epoch, peer };
    return peer;
  }

  #peerTo({ host, port }: { host: string; port: number }, task: string): Peer {
    const { network, clock, self } = this.#options;
    const clientId = `broker-${self.brokerId}-${task}`;
    return createPeer({ network, clock, address: { host, port }, clientId, maxFrameBytes });
  }

  /** While there is nobody to ask; a change of who that is ends it. */
  #pause(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const { image } = this.#options.metadata;
    const isOwn = image.controller.brokerId === this.#options.self.brokerId;
    return new Promise((resolve) => {
      const go = (): void => {
        cancel();
        this.#wake = null;
        resolve();
      };
      // The controller itself has nobody to ask, for as long as it is one.
      const cancel = isOwn ? () => undefined : this.#options.clock.after(retryMs, go);
      this.#wake = go;
    });
  }
}
