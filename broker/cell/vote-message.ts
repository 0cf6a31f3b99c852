import { errorCodes } from "../../protocol/errors.ts";
import type { VoteRequest, VoteResponse, voteResponse } from "../../protocol/messages/vote.ts";
import type { Encodable } from "../../protocol/schema/message.ts";
import { metadataTopic } from "./metadata-topic.ts";

// Vote with preVote (KIP-996): "do you miss the controller of that epoch too?" Nobody is elected by votes here: the metadata log's compare-and-set decides.

export const voteVersion = 2;

export type VoteQuestion = { readonly brokerId: number; readonly controllerEpoch: number };

export function voteToWire({ brokerId, controllerEpoch }: VoteQuestion) {
  return {
    clusterId: null,
    voterId: -1,
    topics: [
      {
        topicName: metadataTopic.name,
        partitions: [
          {
            partitionIndex: 0,
            replicaEpoch: controllerEpoch,
            replicaId: brokerId,
            lastOffsetEpoch: -1,
            lastOffset: -1,
            preVote: true,
          },
        ],
      },
    ],
  };
}

/** Null for what is no question of this kind: a vote for real, or about something else. */
export function voteFromWire({ topics }: VoteRequest): VoteQuestion | null {
  const [topic] = topics;
  const [partition] = topic?.partitions ?? [];
  if (topic?.topicName !== metadataTopic.name || partition?.partitionIndex !== 0) return null;
  if (!partition.preVote) return null;
  return { brokerId: partition.replicaId, controllerEpoch: partition.replicaEpoch };
}

export type VoteAnswer = {
  readonly isGranted: boolean;
  readonly controllerId: number | null;
  readonly controllerEpoch: number;
};

export function voteAnswerToWire(answer: VoteAnswer | null): Encodable<typeof voteResponse> {
  if (answer === null) return { errorCode: errorCodes.INVALID_REQUEST, topics: [] };
  return {
    errorCode: errorCodes.NONE,
    topics: [
      {
        topicName: metadataTopic.name,
        partitions: [
          {
            partitionIndex: 0,
            errorCode: errorCodes.NONE,
            leaderId: answer.controllerId ?? -1,
            leaderEpoch: answer.controllerEpoch,
            voteGranted: answer.isGranted,
          },
        ],
      },
    ],
  };
}

export function voteAnswerFromWire({ topics }: VoteResponse): VoteAnswer | null {
  const partition = topics[0]?.partitions[0];
  if (partition === undefined || partition.errorCode !== errorCodes.NONE) return null;
  return {
    isGranted: partition.voteGranted,
    controllerId: partition.leaderId === -1 ? null : partition.leaderId,
    controllerEpoch: partition.leaderEpoch,
  };
}
