import {
  groupMetadataKey,
  groupMetadataValue,
  legacyOffsetCommitKey,
  legacyOffsetCommitValue,
  offsetCommitKey,
  offsetCommitValue,
} from "../../protocol/internal-topics/classic-group.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import { decode } from "../../protocol/schema/decode.ts";
import { encodeToBytes } from "../../protocol/schema/encode.ts";
import type { Message } from "../../protocol/schema/message.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { KeyValue } from "../coordinator/coordinator-log.ts";
import type { GroupEntry, KeptGroup, KeptOffset } from "./kept.ts";

// `__consumer_offsets` as Kafka writes it: the key is an int16 record type and a struct, the value an int16 version and a struct; a null value
// deletes. So Kafka's own tools read our log.

/** The newest version readers of old know: Kafka itself writes 3 while 4 adds nothing. */
const groupValueVersion = 3;
/** Version 4 adds the topic id, by which offsets of a deleted topic are told from those of its namesake. */
const offsetValueVersion = 4;
/** The only version with an expiry of its own. It has no leader epoch, nor had the request (v2-4) that asks for one. */
const offsetValueVersionWithExpiry = 1;

export function encodeEntry(entry: GroupEntry): KeyValue {
  if (entry.type === "group")
    return {
      key: prefixed(2, encodeToBytes(groupMetadataKey, 0, { group: entry.groupKey })),
      value:
        entry.value === null ? null : versioned(groupMetadataValue, groupValueVersion, entry.value),
    };
  const { groupKey: group, topic, partition, value } = entry;
  const version =
    value === null || value.expireTimestamp === -1
      ? offsetValueVersion
      : offsetValueVersionWithExpiry;
  return {
    key: prefixed(1, encodeToBytes(offsetCommitKey, 0, { group, topic, partition })),
    value: value === null ? null : versioned(offsetCommitValue, version, value),
  };
}

/** Throws on anything that is not one of these records. */
export function decodeEntry(record: KeyValue): GroupEntry {
  const key = Buffer.from(record.key.buffer, record.key.byteOffset, record.key.byteLength);
  const recordType = key.length < 2 ? -1 : key.readInt16BE(0);
  switch (recordType) {
    case 0:
    case 1: {
      const schema = recordType === 0 ? legacyOffsetCommitKey : offsetCommitKey;
      const { group, topic, partition } = readStruct(schema, 0, record.key);
      const value = record.value === null ? null : offsetOf(recordType, record.value);
      return { type: "offset", groupKey: group, topic, partition, value };
    }
    case 2: {
      const { group } = readStruct(groupMetadataKey, 0, record.key);
      const value = record.value === null ? null : groupOf(record.value);
      return { type: "group", groupKey: group, value };
    }
    default:
      throw new Error(`a record of type ${recordType} in __consumer_offsets is not known here`);
  }
}

function offsetOf(recordType: number, bytes: Uint8Array): KeptOffset {
  if (recordType === 0) {
    const value = readStruct(legacyOffsetCommitValue, versionOf(bytes), bytes);
    return { ...value, leaderEpoch: -1, expireTimestamp: -1, topicId: zeroUuid };
  }
  return readStruct(offsetCommitValue, versionOf(bytes), bytes);
}

/** Members' bytes are copied: the log lends them only while it is read. */
function groupOf(bytes: Uint8Array): KeptGroup {
  const value = readStruct(groupMetadataValue, versionOf(bytes), bytes);
  const members = value.members.map((member) => ({
    ...member,
    subscription: Uint8Array.from(member.subscription),
    assignment: Uint8Array.from(member.assignment),
  }));
  return { ...value, members };
}

function versionOf(bytes: Uint8Array): number {
  if (bytes.byteLength < 2) throw new Error("a record value in __consumer_offsets is too short");
  return new DataView(bytes.buffer, bytes.byteOffset, 2).getInt16(0);
}

function readStruct<D, E>(schema: Message<D, E>, version: number, bytes: Uint8Array): D {
  const [oldest, newest] = schema.versions;
  if (version < oldest || version > newest)
    throw new Error(`version ${version} of a record in __consumer_offsets is not known here`);
  const value = decode(schema, version, bytes, { offset: 2 });
  if (value instanceof DecodeError)
    throw new Error("a record in __consumer_offsets cannot be read", { cause: value });
  return value;
}

function versioned<D, E>(schema: Message<D, E>, version: number, value: E): Uint8Array {
  return prefixed(version, encodeToBytes(schema, version, value));
}

function prefixed(prefix: number, body: Uint8Array): Uint8Array {
  // From Node's pool: a typed array with memory and a view of its own costs more than all that is written into it, six times a commit of three offsets.
  const bytes = Buffer.allocUnsafe(2 + body.byteLength);
  bytes.writeInt16BE(prefix, 0);
  bytes.set(body, 2);
  return bytes;
}
