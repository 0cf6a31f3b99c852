import type { Base, Connection } from "@platformatic/kafka";
import {
  metadataV4,
  metadataV5,
  metadataV6,
  metadataV7,
  metadataV8,
  metadataV9,
  metadataV10,
  metadataV11,
  metadataV12,
  ProtocolError,
} from "@platformatic/kafka";
import type { AnyBroker } from "./any-broker.ts";
import { addressesOf, createAnyBroker } from "./any-broker.ts";
import type { ApiChoice } from "./api-choice.ts";
import { createApiChoice } from "./api-choice.ts";

/** A broker as metadata name it. */
export type Node = { readonly nodeId: number; readonly host: string; readonly port: number };

/** Who leads the partitions of some topics. */
export type Leaders = {
  /** Null while nobody does. */
  of(topic: string, partition: number): Node | null;
  /** Of the topic as a whole: that it does not exist, that it may not be seen. */
  errorOf(topic: string): ProtocolError | null;
};

const versions = [
  metadataV4,
  metadataV5,
  metadataV6,
  metadataV7,
  metadataV8,
  metadataV9,
  metadataV10,
  metadataV11,
  metadataV12,
].map(({ api }) => api);

export type LookUp = { readonly brokers: AnyBroker; readonly chooseApi: ApiChoice };

/** What is asked over the connections of a client. */
export function lookUpWith(
  client: Pick<Base, "connections" | "listApis">,
  bootstrapServers: string,
): LookUp {
  const brokers = createAnyBroker(client, addressesOf(bootstrapServers));
  return { brokers, chooseApi: createApiChoice(client) };
}

/** Asks who leads now. Rejects if nobody answers. */
export async function partitionLeaders(
  { brokers, chooseApi }: LookUp,
  topics: readonly string[],
): Promise<Leaders> {
  const api = await chooseApi("Metadata", versions);
  const answer = await brokers.ask((connection) => metadata(api, connection, topics));
  brokers.learn(answer.brokers);
  return {
    of(name, index) {
      const partitions = answer.topics.find((each) => each.name === name)?.partitions;
      const found = partitions?.find(({ partitionIndex }) => partitionIndex === index);
      return answer.brokers.find(({ nodeId }) => nodeId === found?.leaderId) ?? null;
    },
    errorOf(name) {
      const code = answer.topics.find((each) => each.name === name)?.errorCode ?? 0;
      return code === 0 ? null : new ProtocolError(code);
    },
  };
}

type Answer = {
  readonly brokers: readonly Node[];
  readonly topics: readonly {
    readonly name?: string | null | undefined;
    readonly errorCode: number;
    readonly partitions: readonly { readonly partitionIndex: number; readonly leaderId: number }[];
  }[];
};

/** To the library one partition without a leader is a failure of the whole answer, which stands in the error. */
async function metadata(
  api: (typeof versions)[number],
  connection: Connection,
  topics: readonly string[],
): Promise<Answer> {
  try {
    return await api.async(connection, [...topics], false, false);
  } catch (error) {
    const { response } = error as { response?: Answer };
    if (response === undefined) throw error;
    return response;
  }
}
