import { heartbeat } from "../../../../broker/handlers/heartbeat.ts";
import { joinGroup } from "../../../../broker/handlers/join-group.ts";
import { offsetCommit } from "../../../../broker/handlers/offset-commit.ts";
import { offsetFetch } from "../../../../broker/handlers/offset-fetch.ts";
import { syncGroup } from "../../../../broker/handlers/sync-group.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../../protocol/messages/heartbeat.ts";
import { joinGroupRequest, joinGroupResponse } from "../../../../protocol/messages/join-group.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../../../protocol/messages/offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "../../../../protocol/messages/offset-fetch.ts";
import { syncGroupRequest, syncGroupResponse } from "../../../../protocol/messages/sync-group.ts";
import { ordersId } from "./group-api-harness.ts";
import type { GroupApi } from "./group-api-harness.ts";

/** What many of the handlers' tests do first, over the wire. */
export function groupVerbs(api: GroupApi) {
  const join = (
    version: number,
    more: { memberId?: string; groupInstanceId?: string | null; groupId?: string } = {},
  ) =>
    api.call(joinGroup, { request: joinGroupRequest, response: joinGroupResponse }, version, {
      groupId: "billing",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [
        {
          name: "range",
          metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 6, ...Buffer.from("orders")]),
        },
      ],
      ...more,
    });
  const sync = (
    version: number,
    memberId: string,
    more: { protocolName?: string; generationId?: number } = {},
  ) =>
    api.call(syncGroup, { request: syncGroupRequest, response: syncGroupResponse }, version, {
      groupId: "billing",
      generationId: 1,
      memberId,
      assignments: [{ memberId, assignment: Buffer.from("all of it") }],
      ...more,
    });
  const beat = (version: number, memberId: string, generationId = 1) =>
    api.call(heartbeat, { request: heartbeatRequest, response: heartbeatResponse }, version, {
      groupId: "billing",
      generationId,
      memberId,
    });
  return {
    join,
    sync,
    heartbeat: beat,
    /** A member of a stable group. */
    settleMember: async () => {
      const { memberId } = await join(3);
      await sync(3, memberId);
      return memberId;
    },
    commit: (
      version: number,
      offset: number,
      more: Partial<{
        memberId: string;
        generationIdOrMemberEpoch: number;
        groupId: string;
        partitionIndex: number;
        name: string;
        topicId: string;
        metadata: string | null;
        retentionTimeMs: number;
      }> = {},
    ) => {
      const {
        name = "orders",
        topicId = ordersId,
        partitionIndex = 0,
        metadata = "note",
        ...request
      } = more;
      return api.call(
        offsetCommit,
        { request: offsetCommitRequest, response: offsetCommitResponse },
        version,
        {
          groupId: "billing",
          ...request,
          topics: [
            {
              name,
              topicId,
              partitions: [
                {
                  partitionIndex,
                  committedOffset: offset,
                  committedLeaderEpoch: 5,
                  committedMetadata: metadata,
                },
              ],
            },
          ],
        },
      );
    },
    async fetch(
      version: number,
      asked: { topic: string; topicId?: string; partitions: number[] }[] | null,
      groupId = "billing",
    ) {
      const topics =
        asked?.map(({ topic, topicId = ordersId, partitions }) => ({
          name: topic,
          topicId,
          partitionIndexes: partitions,
        })) ?? null;
      const reply = await api.call(
        offsetFetch,
        { request: offsetFetchRequest, response: offsetFetchResponse },
        version,
        {
          groupId,
          topics,
          groups: [{ groupId, topics }],
        },
      );
      return version >= 8 ? (reply.groups[0] ?? { topics: [], errorCode: -1 }) : reply;
    },
  };
}
