// The package's entry: the one place where names are gathered, because it is the public surface.
export { Myelin } from "./myelin.ts";
export type { MyelinOptions } from "./myelin.ts";
export { MyelinError } from "./errors.ts";
export { bytes, json, nullable, string } from "./codecs.ts";
export type { Codec, StandardSchema } from "./codecs.ts";
export type { Cluster } from "./cluster.ts";
export type {
  BrokerDescription,
  BrokerLoss,
  CellControl,
  CellStatus,
  MoveOptions,
  OperationDescription,
  UnhealthyPartition,
} from "./control/cell.ts";
export type { TokenSource } from "./control/bearer-token.ts";
export type { ClusterDescription, Clusters, CreateClusterOptions } from "./control/clusters.ts";
export type {
  CreateTopicOptions,
  TopicDescription,
  TopicSettingValue,
  Topics,
} from "./control/topics.ts";
export type { Compression } from "./client/compression.ts";
export type { Message, Producer, ProducerOptions, Sent } from "./client/producer.ts";
export type { Batch, ConsumedMessage, Consumer, ConsumerOptions } from "./client/consumer.ts";
export type { OnInvalid } from "./client/invalid-values.ts";
export type { RawMessage, ReceivedMessage } from "./client/received-message.ts";
export type { ReadFrom, Reader, ReaderOptions } from "./client/reader.ts";
