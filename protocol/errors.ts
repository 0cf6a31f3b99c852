// Kafka's error codes. Inside the product an error is its name; the number appears when a response is shaped. The names, codes and the split into
// retriable and final are Kafka 4.4's (Errors.java); the sentences are ours and go into responses that carry a message.

type KafkaError = {
  readonly code: number;
  /** A client may expect the same request to succeed later, perhaps after a metadata refresh. */
  readonly isRetriable: boolean;
  readonly message: string;
};

function retriable(code: number, message: string): KafkaError {
  return { code, isRetriable: true, message };
}

function final(code: number, message: string): KafkaError {
  return { code, isRetriable: false, message };
}

export const kafkaErrors = {
  UNKNOWN_SERVER_ERROR: final(-1, "The broker failed in a way it did not expect."),
  NONE: final(0, "The request did what it asked."),
  OFFSET_OUT_OF_RANGE: final(1, "The offset lies outside the log of this partition."),
  CORRUPT_MESSAGE: retriable(
    2,
    "A record batch fails its checksum, its size limits, or lacks a key where the topic is compacted.",
  ),
  UNKNOWN_TOPIC_OR_PARTITION: retriable(3, "There is no such topic or partition here."),
  INVALID_FETCH_SIZE: final(4, "The fetch size is not valid."),
  LEADER_NOT_AVAILABLE: retriable(5, "The partition has no leader at the moment."),
  NOT_LEADER_OR_FOLLOWER: retriable(
    6,
    "This broker is not the leader of the partition, or holds no replica of it.",
  ),
  REQUEST_TIMED_OUT: retriable(7, "The request was not completed in time."),
  BROKER_NOT_AVAILABLE: final(8, "The broker is not available."),
  REPLICA_NOT_AVAILABLE: retriable(9, "The replica is not available for this partition."),
  MESSAGE_TOO_LARGE: final(10, "A record batch is larger than max.message.bytes allows."),
  STALE_CONTROLLER_EPOCH: final(11, "The controller has moved to another broker."),
  OFFSET_METADATA_TOO_LARGE: final(12, "The metadata stored with a committed offset is too long."),
  NETWORK_EXCEPTION: retriable(13, "The connection was lost before a response came."),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14, "The coordinator is still loading its state."),
  COORDINATOR_NOT_AVAILABLE: retriable(15, "No coordinator is available."),
  NOT_COORDINATOR: retriable(16, "This broker is not the coordinator asked for."),
  INVALID_TOPIC_EXCEPTION: final(
    17,
    "The topic name is not valid, or the topic may not be used this way.",
  ),
  RECORD_LIST_TOO_LARGE: final(18, "The batch is larger than a log segment."),
  NOT_ENOUGH_REPLICAS: retriable(
    19,
    "Fewer replicas are in sync than min.insync.replicas asks for; nothing was written.",
  ),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(
    20,
    "The records were written, but to fewer in-sync replicas than required.",
  ),
  INVALID_REQUIRED_ACKS: final(21, "acks must be 0, 1 or -1 (all)."),
  ILLEGAL_GENERATION: final(22, "The generation is not the group's current one."),
  INCONSISTENT_GROUP_PROTOCOL: final(
    23,
    "The member shares no protocol with the group, or names none.",
  ),
  INVALID_GROUP_ID: final(24, "The group id is not valid."),
  UNKNOWN_MEMBER_ID: final(25, "The coordinator does not know this member."),
  INVALID_SESSION_TIMEOUT: final(26, "The session timeout lies outside what the broker allows."),
  REBALANCE_IN_PROGRESS: final(27, "The group is rebalancing: join again."),
  INVALID_COMMIT_OFFSET_SIZE: final(28, "The offsets to commit are too large together."),
  TOPIC_AUTHORIZATION_FAILED: final(29, "Not authorized for this topic."),
  GROUP_AUTHORIZATION_FAILED: final(30, "Not authorized for this group."),
  CLUSTER_AUTHORIZATION_FAILED: final(31, "Not authorized for this operation on the cluster."),
  INVALID_TIMESTAMP: final(32, "A timestamp is too far from the broker's time."),
  UNSUPPORTED_SASL_MECHANISM: final(33, "The broker does not offer this SASL mechanism."),
  ILLEGAL_SASL_STATE: final(34, "The request does not fit the state of authentication."),
  UNSUPPORTED_VERSION: final(35, "This version of the API is not supported."),
  TOPIC_ALREADY_EXISTS: final(36, "A topic of this name exists already."),
  INVALID_PARTITIONS: final(37, "The number of partitions is not valid."),
  INVALID_REPLICATION_FACTOR: final(
    38,
    "The replication factor is below 1 or above the number of available brokers.",
  ),
  INVALID_REPLICA_ASSIGNMENT: final(39, "The replica assignment is not valid."),
  INVALID_CONFIG: final(40, "A setting is unknown or its value is not valid."),
  NOT_CONTROLLER: retriable(41, "This broker is not the controller."),
  INVALID_REQUEST: final(42, "The request contradicts itself or the protocol."),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: final(
    43,
    "The message format of the log does not allow this request.",
  ),
  POLICY_VIOLATION: final(44, "A policy of this cluster forbids the request."),
  OUT_OF_ORDER_SEQUENCE_NUMBER: final(
    45,
    "The producer's sequence number does not follow the last one.",
  ),
  DUPLICATE_SEQUENCE_NUMBER: final(46, "The producer's sequence number was seen before."),
  INVALID_PRODUCER_EPOCH: final(47, "The producer's epoch is older than the current one."),
  INVALID_TXN_STATE: final(48, "The transaction is in a state that does not allow this."),
  INVALID_PRODUCER_ID_MAPPING: final(
    49,
    "The producer id does not belong to this transactional id.",
  ),
  INVALID_TRANSACTION_TIMEOUT: final(
    50,
    "The transaction timeout is above transaction.max.timeout.ms.",
  ),
  CONCURRENT_TRANSACTIONS: retriable(51, "Another change of this transaction is still under way."),
  TRANSACTION_COORDINATOR_FENCED: final(
    52,
    "The transaction coordinator that sent the marker has been replaced.",
  ),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: final(53, "Not authorized for this transactional id."),
  SECURITY_DISABLED: final(54, "Security features are switched off."),
  OPERATION_NOT_ATTEMPTED: final(
    55,
    "Not tried, because another part of the request failed first.",
  ),
  KAFKA_STORAGE_ERROR: retriable(56, "The broker's storage failed."),
  LOG_DIR_NOT_FOUND: final(57, "The broker has no such log directory."),
  SASL_AUTHENTICATION_FAILED: final(58, "Authentication failed."),
  UNKNOWN_PRODUCER_ID: final(59, "The partition remembers nothing of this producer id."),
  REASSIGNMENT_IN_PROGRESS: final(60, "Partitions are being reassigned."),
  DELEGATION_TOKEN_AUTH_DISABLED: final(61, "Delegation tokens are switched off."),
  DELEGATION_TOKEN_NOT_FOUND: final(62, "There is no such delegation token."),
  DELEGATION_TOKEN_OWNER_MISMATCH: final(63, "The principal neither owns nor may renew the token."),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: final(
    64,
    "Delegation tokens cannot be asked for over this kind of connection.",
  ),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: final(65, "Not authorized for this delegation token."),
  DELEGATION_TOKEN_EXPIRED: final(66, "The delegation token has expired."),
  INVALID_PRINCIPAL_TYPE: final(67, "The principal type is not supported."),
  NON_EMPTY_GROUP: final(68, "The group still has members."),
  GROUP_ID_NOT_FOUND: final(69, "There is no such group."),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70, "The fetch session is unknown or was evicted."),
  INVALID_FETCH_SESSION_EPOCH: retriable(71, "The fetch session's epoch is not the one expected."),
  LISTENER_NOT_FOUND: retriable(
    72,
    "The leader has no listener that matches the one this request came through.",
  ),
  TOPIC_DELETION_DISABLED: final(73, "Topics cannot be deleted here."),
  FENCED_LEADER_EPOCH: retriable(74, "The request knows an older leader epoch than the broker."),
  UNKNOWN_LEADER_EPOCH: retriable(75, "The request knows a newer leader epoch than the broker."),
  UNSUPPORTED_COMPRESSION_TYPE: final(
    76,
    "The client's version does not know the compression of this partition's data.",
  ),
  STALE_BROKER_EPOCH: final(77, "The broker has registered anew since."),
  OFFSET_NOT_AVAILABLE: retriable(78, "The new leader does not know the high watermark yet."),
  MEMBER_ID_REQUIRED: final(79, "Join again with the member id in this response."),
  PREFERRED_LEADER_NOT_AVAILABLE: retriable(80, "The preferred leader is not available."),
  GROUP_MAX_SIZE_REACHED: final(81, "The group has as many members as it may have."),
  FENCED_INSTANCE_ID: final(82, "Another member has joined under the same group instance id."),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: retriable(
    83,
    "No replica that may lead the partition is available.",
  ),
  ELECTION_NOT_NEEDED: retriable(84, "The partition needs no election."),
  NO_REASSIGNMENT_IN_PROGRESS: final(85, "No reassignment is under way."),
  GROUP_SUBSCRIBED_TO_TOPIC: final(
    86,
    "The group is subscribed to the topic, so its offsets stay.",
  ),
  INVALID_RECORD: final(87, "A record does not satisfy the topic's rules."),
  UNSTABLE_OFFSET_COMMIT: retriable(88, "Some offsets belong to a transaction that is still open."),
  THROTTLING_QUOTA_EXCEEDED: retriable(89, "A quota was exceeded: try again later."),
  PRODUCER_FENCED: final(90, "A newer producer has taken over this transactional id."),
  RESOURCE_NOT_FOUND: final(91, "There is no such resource."),
  DUPLICATE_RESOURCE: final(92, "The request names the same resource twice."),
  UNACCEPTABLE_CREDENTIAL: final(93, "The credential does not meet the requirements."),
  INCONSISTENT_VOTER_SET: final(94, "Sender or receiver is not among the voters."),
  INVALID_UPDATE_VERSION: final(95, "The version to update to is not valid."),
  FEATURE_UPDATE_FAILED: final(96, "The features could not be updated."),
  PRINCIPAL_DESERIALIZATION_FAILURE: final(97, "The forwarded principal could not be read."),
  SNAPSHOT_NOT_FOUND: final(98, "There is no such snapshot."),
  POSITION_OUT_OF_RANGE: final(99, "The position lies outside the snapshot."),
  UNKNOWN_TOPIC_ID: retriable(100, "There is no topic of this id here."),
  DUPLICATE_BROKER_REGISTRATION: final(101, "The broker id is in use."),
  BROKER_ID_NOT_REGISTERED: final(102, "The broker id is not registered."),
  INCONSISTENT_TOPIC_ID: retriable(103, "The topic id is not the one of the log."),
  INCONSISTENT_CLUSTER_ID: final(104, "The cluster id is not this cluster's."),
  TRANSACTIONAL_ID_NOT_FOUND: final(105, "There is no such transactional id."),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(106, "The fetch session mixes topic ids and names."),
  INELIGIBLE_REPLICA: final(107, "A replica of the new in-sync set may not be in it."),
  NEW_LEADER_ELECTED: final(108, "The partition was changed as asked, and its leader with it."),
  OFFSET_MOVED_TO_TIERED_STORAGE: final(109, "The offset lies in tiered storage."),
  FENCED_MEMBER_EPOCH: final(
    110,
    "The member's epoch is fenced: give up all partitions and join again.",
  ),
  UNRELEASED_INSTANCE_ID: final(111, "Another member still holds the instance id."),
  UNSUPPORTED_ASSIGNOR: final(112, "The group does not support this assignor."),
  STALE_MEMBER_EPOCH: final(113, "The member's epoch is behind: wait for the next heartbeat's."),
  MISMATCHED_ENDPOINT_TYPE: final(114, "The request came to the wrong kind of endpoint."),
  UNSUPPORTED_ENDPOINT_TYPE: final(115, "This kind of endpoint is not supported."),
  UNKNOWN_CONTROLLER_ID: final(116, "There is no such controller."),
  UNKNOWN_SUBSCRIPTION_ID: final(117, "The telemetry subscription is unknown or out of date."),
  TELEMETRY_TOO_LARGE: final(118, "The telemetry is larger than the broker takes."),
  INVALID_REGISTRATION: final(119, "The registration is not valid."),
  TRANSACTION_ABORTABLE: final(
    120,
    "The transaction failed: abort it and go on with the same transactional id.",
  ),
  INVALID_RECORD_STATE: final(121, "The record is not in a state that can be acknowledged so."),
  SHARE_SESSION_NOT_FOUND: retriable(122, "There is no such share session."),
  INVALID_SHARE_SESSION_EPOCH: retriable(123, "The share session's epoch is not the one expected."),
  FENCED_STATE_EPOCH: final(124, "The state epoch is not the share coordinator's."),
  INVALID_VOTER_KEY: final(125, "The voter's key is not the receiver's."),
  DUPLICATE_VOTER: final(126, "The voter is in the set already."),
  VOTER_NOT_FOUND: final(127, "The voter is not in the set."),
  INVALID_REGULAR_EXPRESSION: final(128, "The regular expression is not valid."),
  REBOOTSTRAP_REQUIRED: final(
    129,
    "The client's metadata is too old: start again from the bootstrap servers.",
  ),
  STREAMS_INVALID_TOPOLOGY: final(130, "The topology is not valid."),
  STREAMS_INVALID_TOPOLOGY_EPOCH: final(131, "The topology epoch is not valid."),
  STREAMS_TOPOLOGY_FENCED: final(132, "The topology epoch is out of date."),
  SHARE_SESSION_LIMIT_REACHED: retriable(133, "No more share sessions can be opened."),
  GROUP_DELETION_FAILED: final(134, "A group could not be deleted: see its own message."),
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: final(
    135,
    "The topology description could not be taken: see the message.",
  ),
  CONTROLLER_ID_NOT_REGISTERED: final(136, "The controller id is not registered."),
} as const satisfies Record<string, KafkaError>;

export type ErrorName = keyof typeof kafkaErrors;

export const errorNames = Object.keys(kafkaErrors) as ErrorName[];

/** `errorCodes.NOT_LEADER_OR_FOLLOWER` is 6. */
export const errorCodes = Object.fromEntries(
  errorNames.map((name) => [name, kafkaErrors[name].code]),
) as { readonly [Name in ErrorName]: number };

const namesByCode = new Map(errorNames.map((name) => [kafkaErrors[name].code, name]));

/** The name of a code from the wire; a code we do not know is what Kafka calls UNKNOWN_SERVER_ERROR. */
export function errorNameOf(code: number): ErrorName {
  return namesByCode.get(code) ?? "UNKNOWN_SERVER_ERROR";
}

export function isRetriable(name: ErrorName): boolean {
  return kafkaErrors[name].isRetriable;
}

export function errorMessage(name: ErrorName): string {
  return kafkaErrors[name].message;
}
