import { CustomResource, Duration, Resource } from "aws-cdk-lib";
import type { RemovalPolicy, Size } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ICluster } from "./cluster.ts";

export type TopicOptions = {
  /** May grow, never shrink: keys would move. @default the cluster's num.partitions */
  readonly partitions?: number;
  /** Copies of every record. Cannot change. @default 3, or as many as there are brokers */
  readonly replicationFactor?: number;
  /** How long records are kept. @default the cluster's log.retention.ms */
  readonly retention?: Duration;
  /** How much of a partition is kept. @default no limit */
  readonly retentionSize?: Size;
  /** Further settings by Kafka's names, as Kafka writes them: `{ "min.insync.replicas": "2" }`. */
  readonly configs?: Readonly<Record<string, string>>;
  /** What becomes of the topic and its records; of one that was taken over as with clusters. @default as the cell has it: RETAIN, or DESTROY in the dev profile */
  readonly removalPolicy?: RemovalPolicy;
};

export type TopicProps = TopicOptions & {
  readonly cluster: ICluster;
  /** Another name is another topic: the old one goes, as its removal policy has it. */
  readonly topicName: string;
};

/** A topic, made by the control plane as one of the HTTP API would be. */
export class Topic extends Resource {
  readonly topicName: string;
  readonly cluster: ICluster;

  constructor(scope: Construct, id: string, props: TopicProps) {
    super(scope, id);
    const { cluster, topicName, partitions, replicationFactor } = props;
    this.topicName = topicName;
    this.cluster = cluster;
    const configs = configsOf(props);
    const removalPolicy = props.removalPolicy ?? cluster.cell.removalPolicy;
    const resource = new CustomResource(this, "Resource", {
      resourceType: "Custom::MyelinTopic",
      serviceToken: cluster.cell.serviceToken,
      serviceTimeout: Duration.minutes(15),
      removalPolicy,
      properties: {
        clusterId: cluster.clusterId,
        topicName,
        // As for clusters.
        ...(cluster.cell.adoptsWhatIsThere ? { adopt: "true", removalPolicy } : {}),
        ...(partitions === undefined ? {} : { partitionsCount: partitions }),
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        ...(Object.keys(configs).length === 0 ? {} : { configs }),
      },
    });
    // As many copies are made as there are brokers to hold them.
    resource.node.addDependency(...cluster.cell.brokersReady);
  }
}

/** Throws if a setting is given twice. */
function configsOf({ retention, retentionSize, configs = {} }: TopicProps): Record<string, string> {
  const named: Record<string, string> = {
    ...(retention === undefined ? {} : { "retention.ms": String(retention.toMilliseconds()) }),
    ...(retentionSize === undefined ? {} : { "retention.bytes": String(retentionSize.toBytes()) }),
  };
  for (const name of Object.keys(named))
    if (name in configs) throw new Error(`${name} is given twice: by a property and in configs`);
  return { ...named, ...configs };
}
