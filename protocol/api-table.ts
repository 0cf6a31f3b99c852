import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from "./messages/add-offsets-to-txn.ts";
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from "./messages/add-partitions-to-txn.ts";
import { addRaftVoterRequest, addRaftVoterResponse } from "./messages/add-raft-voter.ts";
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
} from "./messages/allocate-producer-ids.ts";
import {
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from "./messages/alter-client-quotas.ts";
import { alterConfigsRequest, alterConfigsResponse } from "./messages/alter-configs.ts";
import { alterPartitionRequest, alterPartitionResponse } from "./messages/alter-partition.ts";
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from "./messages/alter-partition-reassignments.ts";
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from "./messages/alter-replica-log-dirs.ts";
import {
  alterShareGroupOffsetsRequest,
  alterShareGroupOffsetsResponse,
} from "./messages/alter-share-group-offsets.ts";
import {
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from "./messages/alter-user-scram-credentials.ts";
import { apiVersionsRequest, apiVersionsResponse } from "./messages/api-versions.ts";
import {
  assignReplicasToDirsRequest,
  assignReplicasToDirsResponse,
} from "./messages/assign-replicas-to-dirs.ts";
import {
  beginQuorumEpochRequest,
  beginQuorumEpochResponse,
} from "./messages/begin-quorum-epoch.ts";
import { brokerHeartbeatRequest, brokerHeartbeatResponse } from "./messages/broker-heartbeat.ts";
import {
  brokerRegistrationRequest,
  brokerRegistrationResponse,
} from "./messages/broker-registration.ts";
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from "./messages/consumer-group-describe.ts";
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from "./messages/consumer-group-heartbeat.ts";
import {
  controllerRegistrationRequest,
  controllerRegistrationResponse,
} from "./messages/controller-registration.ts";
import { createAclsRequest, createAclsResponse } from "./messages/create-acls.ts";
import {
  createDelegationTokenRequest,
  createDelegationTokenResponse,
} from "./messages/create-delegation-token.ts";
import { createPartitionsRequest, createPartitionsResponse } from "./messages/create-partitions.ts";
import { createTopicsRequest, createTopicsResponse } from "./messages/create-topics.ts";
import { deleteAclsRequest, deleteAclsResponse } from "./messages/delete-acls.ts";
import { deleteGroupsRequest, deleteGroupsResponse } from "./messages/delete-groups.ts";
import { deleteRecordsRequest, deleteRecordsResponse } from "./messages/delete-records.ts";
import {
  deleteShareGroupOffsetsRequest,
  deleteShareGroupOffsetsResponse,
} from "./messages/delete-share-group-offsets.ts";
import {
  deleteShareGroupStateRequest,
  deleteShareGroupStateResponse,
} from "./messages/delete-share-group-state.ts";
import { deleteTopicsRequest, deleteTopicsResponse } from "./messages/delete-topics.ts";
import { describeAclsRequest, describeAclsResponse } from "./messages/describe-acls.ts";
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from "./messages/describe-client-quotas.ts";
import { describeClusterRequest, describeClusterResponse } from "./messages/describe-cluster.ts";
import { describeConfigsRequest, describeConfigsResponse } from "./messages/describe-configs.ts";
import {
  describeDelegationTokenRequest,
  describeDelegationTokenResponse,
} from "./messages/describe-delegation-token.ts";
import { describeGroupsRequest, describeGroupsResponse } from "./messages/describe-groups.ts";
import { describeLogDirsRequest, describeLogDirsResponse } from "./messages/describe-log-dirs.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
} from "./messages/describe-producers.ts";
import { describeQuorumRequest, describeQuorumResponse } from "./messages/describe-quorum.ts";
import {
  describeShareGroupOffsetsRequest,
  describeShareGroupOffsetsResponse,
} from "./messages/describe-share-group-offsets.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "./messages/describe-topic-partitions.ts";
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from "./messages/describe-transactions.ts";
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from "./messages/describe-user-scram-credentials.ts";
import { electLeadersRequest, electLeadersResponse } from "./messages/elect-leaders.ts";
import { endQuorumEpochRequest, endQuorumEpochResponse } from "./messages/end-quorum-epoch.ts";
import { endTxnRequest, endTxnResponse } from "./messages/end-txn.ts";
import { envelopeRequest, envelopeResponse } from "./messages/envelope.ts";
import {
  expireDelegationTokenRequest,
  expireDelegationTokenResponse,
} from "./messages/expire-delegation-token.ts";
import { fetchRequest, fetchResponse } from "./messages/fetch.ts";
import { fetchSnapshotRequest, fetchSnapshotResponse } from "./messages/fetch-snapshot.ts";
import { findCoordinatorRequest, findCoordinatorResponse } from "./messages/find-coordinator.ts";
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from "./messages/get-telemetry-subscriptions.ts";
import { heartbeatRequest, heartbeatResponse } from "./messages/heartbeat.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "./messages/incremental-alter-configs.ts";
import { initProducerIdRequest, initProducerIdResponse } from "./messages/init-producer-id.ts";
import {
  initializeShareGroupStateRequest,
  initializeShareGroupStateResponse,
} from "./messages/initialize-share-group-state.ts";
import { joinGroupRequest, joinGroupResponse } from "./messages/join-group.ts";
import { leaveGroupRequest, leaveGroupResponse } from "./messages/leave-group.ts";
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from "./messages/list-config-resources.ts";
import { listGroupsRequest, listGroupsResponse } from "./messages/list-groups.ts";
import { listOffsetsRequest, listOffsetsResponse } from "./messages/list-offsets.ts";
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from "./messages/list-partition-reassignments.ts";
import { listTransactionsRequest, listTransactionsResponse } from "./messages/list-transactions.ts";
import { metadataRequest, metadataResponse } from "./messages/metadata.ts";
import { offsetCommitRequest, offsetCommitResponse } from "./messages/offset-commit.ts";
import { offsetDeleteRequest, offsetDeleteResponse } from "./messages/offset-delete.ts";
import { offsetFetchRequest, offsetFetchResponse } from "./messages/offset-fetch.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "./messages/offset-for-leader-epoch.ts";
import { produceRequest, produceResponse } from "./messages/produce.ts";
import { pushTelemetryRequest, pushTelemetryResponse } from "./messages/push-telemetry.ts";
import {
  readShareGroupStateRequest,
  readShareGroupStateResponse,
} from "./messages/read-share-group-state.ts";
import {
  readShareGroupStateSummaryRequest,
  readShareGroupStateSummaryResponse,
} from "./messages/read-share-group-state-summary.ts";
import { removeRaftVoterRequest, removeRaftVoterResponse } from "./messages/remove-raft-voter.ts";
import {
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from "./messages/renew-delegation-token.ts";
import { saslAuthenticateRequest, saslAuthenticateResponse } from "./messages/sasl-authenticate.ts";
import { saslHandshakeRequest, saslHandshakeResponse } from "./messages/sasl-handshake.ts";
import { shareAcknowledgeRequest, shareAcknowledgeResponse } from "./messages/share-acknowledge.ts";
import { shareFetchRequest, shareFetchResponse } from "./messages/share-fetch.ts";
import {
  shareGroupDescribeRequest,
  shareGroupDescribeResponse,
} from "./messages/share-group-describe.ts";
import {
  shareGroupHeartbeatRequest,
  shareGroupHeartbeatResponse,
} from "./messages/share-group-heartbeat.ts";
import {
  streamsGroupDescribeRequest,
  streamsGroupDescribeResponse,
} from "./messages/streams-group-describe.ts";
import {
  streamsGroupHeartbeatRequest,
  streamsGroupHeartbeatResponse,
} from "./messages/streams-group-heartbeat.ts";
import {
  streamsGroupTopologyDescriptionUpdateRequest,
  streamsGroupTopologyDescriptionUpdateResponse,
} from "./messages/streams-group-topology-description-update.ts";
import { syncGroupRequest, syncGroupResponse } from "./messages/sync-group.ts";
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from "./messages/txn-offset-commit.ts";
import { unregisterBrokerRequest, unregisterBrokerResponse } from "./messages/unregister-broker.ts";
import {
  unregisterControllerRequest,
  unregisterControllerResponse,
} from "./messages/unregister-controller.ts";
import { updateFeaturesRequest, updateFeaturesResponse } from "./messages/update-features.ts";
import { updateRaftVoterRequest, updateRaftVoterResponse } from "./messages/update-raft-voter.ts";
import { voteRequest, voteResponse } from "./messages/vote.ts";
import {
  writeShareGroupStateRequest,
  writeShareGroupStateResponse,
} from "./messages/write-share-group-state.ts";
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from "./messages/write-txn-markers.ts";
import type { Message } from "./schema/message.ts";

/** One Kafka API. What it decodes to is only known to who imports its messages, so that the table speaks of unknown. */
export type Api = {
  readonly key: number;
  /** Kafka's name, as in ApiKeys.java and the JSON files. */
  readonly name: string;
  readonly request: Message<unknown, never>;
  readonly response: Message<unknown, never>;
};

function api(
  name: string,
  request: Message<unknown, never>,
  response: Message<unknown, never>,
): Api {
  if (request.key === null) throw new RangeError(`${name} has no API key`);
  return { key: request.key, name, request, response };
}

/** Every API whose wire format we know. What the broker serves is in broker/handlers/table.ts. */
export const apiTable: readonly Api[] = [
  api("Produce", produceRequest, produceResponse),
  api("Fetch", fetchRequest, fetchResponse),
  api("ListOffsets", listOffsetsRequest, listOffsetsResponse),
  api("Metadata", metadataRequest, metadataResponse),
  api("OffsetCommit", offsetCommitRequest, offsetCommitResponse),
  api("OffsetFetch", offsetFetchRequest, offsetFetchResponse),
  api("FindCoordinator", findCoordinatorRequest, findCoordinatorResponse),
  api("JoinGroup", joinGroupRequest, joinGroupResponse),
  api("Heartbeat", heartbeatRequest, heartbeatResponse),
  api("LeaveGroup", leaveGroupRequest, leaveGroupResponse),
  api("SyncGroup", syncGroupRequest, syncGroupResponse),
  api("DescribeGroups", describeGroupsRequest, describeGroupsResponse),
  api("ListGroups", listGroupsRequest, listGroupsResponse),
  api("SaslHandshake", saslHandshakeRequest, saslHandshakeResponse),
  api("ApiVersions", apiVersionsRequest, apiVersionsResponse),
  api("CreateTopics", createTopicsRequest, createTopicsResponse),
  api("DeleteTopics", deleteTopicsRequest, deleteTopicsResponse),
  api("DeleteRecords", deleteRecordsRequest, deleteRecordsResponse),
  api("InitProducerId", initProducerIdRequest, initProducerIdResponse),
  api("OffsetForLeaderEpoch", offsetForLeaderEpochRequest, offsetForLeaderEpochResponse),
  api("AddPartitionsToTxn", addPartitionsToTxnRequest, addPartitionsToTxnResponse),
  api("AddOffsetsToTxn", addOffsetsToTxnRequest, addOffsetsToTxnResponse),
  api("EndTxn", endTxnRequest, endTxnResponse),
  api("WriteTxnMarkers", writeTxnMarkersRequest, writeTxnMarkersResponse),
  api("TxnOffsetCommit", txnOffsetCommitRequest, txnOffsetCommitResponse),
  api("DescribeAcls", describeAclsRequest, describeAclsResponse),
  api("CreateAcls", createAclsRequest, createAclsResponse),
  api("DeleteAcls", deleteAclsRequest, deleteAclsResponse),
  api("DescribeConfigs", describeConfigsRequest, describeConfigsResponse),
  api("AlterConfigs", alterConfigsRequest, alterConfigsResponse),
  api("AlterReplicaLogDirs", alterReplicaLogDirsRequest, alterReplicaLogDirsResponse),
  api("DescribeLogDirs", describeLogDirsRequest, describeLogDirsResponse),
  api("SaslAuthenticate", saslAuthenticateRequest, saslAuthenticateResponse),
  api("CreatePartitions", createPartitionsRequest, createPartitionsResponse),
  api("CreateDelegationToken", createDelegationTokenRequest, createDelegationTokenResponse),
  api("RenewDelegationToken", renewDelegationTokenRequest, renewDelegationTokenResponse),
  api("ExpireDelegationToken", expireDelegationTokenRequest, expireDelegationTokenResponse),
  api("DescribeDelegationToken", describeDelegationTokenRequest, describeDelegationTokenResponse),
  api("DeleteGroups", deleteGroupsRequest, deleteGroupsResponse),
  api("ElectLeaders", electLeadersRequest, electLeadersResponse),
  api("IncrementalAlterConfigs", incrementalAlterConfigsRequest, incrementalAlterConfigsResponse),
  api(
    "AlterPartitionReassignments",
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
  ),
  api(
    "ListPartitionReassignments",
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
  ),
  api("OffsetDelete", offsetDeleteRequest, offsetDeleteResponse),
  api("DescribeClientQuotas", describeClientQuotasRequest, describeClientQuotasResponse),
  api("AlterClientQuotas", alterClientQuotasRequest, alterClientQuotasResponse),
  api(
    "DescribeUserScramCredentials",
    describeUserScramCredentialsRequest,
    describeUserScramCredentialsResponse,
  ),
  api(
    "AlterUserScramCredentials",
    alterUserScramCredentialsRequest,
    alterUserScramCredentialsResponse,
  ),
  api("Vote", voteRequest, voteResponse),
  api("BeginQuorumEpoch", beginQuorumEpochRequest, beginQuorumEpochResponse),
  api("EndQuorumEpoch", endQuorumEpochRequest, endQuorumEpochResponse),
  api("DescribeQuorum", describeQuorumRequest, describeQuorumResponse),
  api("AlterPartition", alterPartitionRequest, alterPartitionResponse),
  api("UpdateFeatures", updateFeaturesRequest, updateFeaturesResponse),
  api("Envelope", envelopeRequest, envelopeResponse),
  api("FetchSnapshot", fetchSnapshotRequest, fetchSnapshotResponse),
  api("DescribeCluster", describeClusterRequest, describeClusterResponse),
  api("DescribeProducers", describeProducersRequest, describeProducersResponse),
  api("BrokerRegistration", brokerRegistrationRequest, brokerRegistrationResponse),
  api("BrokerHeartbeat", brokerHeartbeatRequest, brokerHeartbeatResponse),
  api("UnregisterBroker", unregisterBrokerRequest, unregisterBrokerResponse),
  api("DescribeTransactions", describeTransactionsRequest, describeTransactionsResponse),
  api("ListTransactions", listTransactionsRequest, listTransactionsResponse),
  api("AllocateProducerIds", allocateProducerIdsRequest, allocateProducerIdsResponse),
  api("ConsumerGroupHeartbeat", consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse),
  api("ConsumerGroupDescribe", consumerGroupDescribeRequest, consumerGroupDescribeResponse),
  api("ControllerRegistration", controllerRegistrationRequest, controllerRegistrationResponse),
  api(
    "GetTelemetrySubscriptions",
    getTelemetrySubscriptionsRequest,
    getTelemetrySubscriptionsResponse,
  ),
  api("PushTelemetry", pushTelemetryRequest, pushTelemetryResponse),
  api("AssignReplicasToDirs", assignReplicasToDirsRequest, assignReplicasToDirsResponse),
  api("ListConfigResources", listConfigResourcesRequest, listConfigResourcesResponse),
  api("DescribeTopicPartitions", describeTopicPartitionsRequest, describeTopicPartitionsResponse),
  api("ShareGroupHeartbeat", shareGroupHeartbeatRequest, shareGroupHeartbeatResponse),
  api("ShareGroupDescribe", shareGroupDescribeRequest, shareGroupDescribeResponse),
  api("ShareFetch", shareFetchRequest, shareFetchResponse),
  api("ShareAcknowledge", shareAcknowledgeRequest, shareAcknowledgeResponse),
  api("AddRaftVoter", addRaftVoterRequest, addRaftVoterResponse),
  api("RemoveRaftVoter", removeRaftVoterRequest, removeRaftVoterResponse),
  api("UpdateRaftVoter", updateRaftVoterRequest, updateRaftVoterResponse),
  api(
    "InitializeShareGroupState",
    initializeShareGroupStateRequest,
    initializeShareGroupStateResponse,
  ),
  api("ReadShareGroupState", readShareGroupStateRequest, readShareGroupStateResponse),
  api("WriteShareGroupState", writeShareGroupStateRequest, writeShareGroupStateResponse),
  api("DeleteShareGroupState", deleteShareGroupStateRequest, deleteShareGroupStateResponse),
  api(
    "ReadShareGroupStateSummary",
    readShareGroupStateSummaryRequest,
    readShareGroupStateSummaryResponse,
  ),
  api("StreamsGroupHeartbeat", streamsGroupHeartbeatRequest, streamsGroupHeartbeatResponse),
  api("StreamsGroupDescribe", streamsGroupDescribeRequest, streamsGroupDescribeResponse),
  api(
    "DescribeShareGroupOffsets",
    describeShareGroupOffsetsRequest,
    describeShareGroupOffsetsResponse,
  ),
  api("AlterShareGroupOffsets", alterShareGroupOffsetsRequest, alterShareGroupOffsetsResponse),
  api("DeleteShareGroupOffsets", deleteShareGroupOffsetsRequest, deleteShareGroupOffsetsResponse),
  api(
    "StreamsGroupTopologyDescriptionUpdate",
    streamsGroupTopologyDescriptionUpdateRequest,
    streamsGroupTopologyDescriptionUpdateResponse,
  ),
  api("UnregisterController", unregisterControllerRequest, unregisterControllerResponse),
];

const byKey = new Map(apiTable.map((entry) => [entry.key, entry]));

export function apiByKey(key: number): Api | undefined {
  return byKey.get(key);
}
