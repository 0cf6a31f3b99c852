import { CustomResource, Duration, RemovalPolicy, Resource, Token } from "aws-cdk-lib";
import type { IResource } from "aws-cdk-lib";
import { Port } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import type { IMyelinCell } from "./cell-interface.ts";
import type { TopicOptions } from "./topic.ts";
import { Topic } from "./topic.ts";

/** A logical Kafka cluster, of this stack or another. */
export interface ICluster extends IResource {
  readonly cell: IMyelinCell;
  readonly clusterId: string;
  readonly clusterName: string;
  /** Where its clients are let in: `worker.connections.allowTo(cell, cluster.kafkaPort)`. Until clients authenticate each cluster has its own. */
  readonly kafkaPort: Port;
  /**
   * For `bootstrap.servers`: the load balancer's address, or without one the addresses that brokers had at the last deployment, which change when they are
   * replaced.
   */
  readonly bootstrapServers: string;
  addTopic(name: string, options?: TopicOptions): Topic;
}

export type ClusterOptions = {
  readonly description?: string;
  /** Defaults for its topics by Kafka's server setting names, as Kafka writes them: `{ "log.retention.ms": "604800000" }`. */
  readonly defaults?: Readonly<Record<string, string>>;
  /**
   * What was there before its stack, and was taken over, is not deleted as it was taken over: DESTROY counts from the deployment on that changes the cluster to it.
   * @default as the cell has it: RETAIN, or DESTROY in the dev profile
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Where the cluster is deleted with its stack, topics that are left in it go too, whoever made them; without, the deletion fails as long as there are some.
   * @default true where the cell's own records are deleted with it, as in the dev profile
   */
  readonly autoDeleteTopics?: boolean;
};

export type ClusterProps = ClusterOptions & {
  readonly cell: IMyelinCell;
  /** 1 to 249 letters, digits, ".", "_", "-". Two clusters of a cell have two names. */
  readonly clusterName: string;
};

export type ClusterAttributes = {
  readonly cell: IMyelinCell;
  readonly clusterId: string;
  readonly clusterName: string;
  /** 9092 and the cluster's port offset. */
  readonly kafkaPort: number;
  readonly bootstrapServers: string;
};

abstract class ClusterBase extends Resource implements ICluster {
  abstract readonly cell: IMyelinCell;
  abstract readonly clusterId: string;
  abstract readonly clusterName: string;
  abstract readonly kafkaPort: Port;
  abstract readonly bootstrapServers: string;

  addTopic(name: string, options: TopicOptions = {}): Topic {
    return new Topic(this, name, { cluster: this, topicName: name, ...options });
  }
}

/** A cluster, made by the control plane as one of the HTTP API would be. It costs nothing by itself. */
export class Cluster extends ClusterBase {
  static fromClusterAttributes(
    scope: Construct,
    id: string,
    { kafkaPort, ...attributes }: ClusterAttributes,
  ): ICluster {
    class Imported extends ClusterBase {
      readonly cell = attributes.cell;
      readonly clusterId = attributes.clusterId;
      readonly clusterName = attributes.clusterName;
      readonly kafkaPort = Port.tcp(kafkaPort);
      readonly bootstrapServers = attributes.bootstrapServers;
    }
    return new Imported(scope, id);
  }

  readonly cell: IMyelinCell;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly kafkaPort: Port;
  readonly bootstrapServers: string;

  constructor(scope: Construct, id: string, props: ClusterProps) {
    super(scope, id);
    const { cell, clusterName, description, defaults } = props;
    this.cell = cell;
    this.clusterName = clusterName;
    const removalPolicy = props.removalPolicy ?? cell.removalPolicy;
    const resource = new CustomResource(this, "Resource", {
      resourceType: "Custom::MyelinCluster",
      serviceToken: cell.serviceToken,
      serviceTimeout: Duration.minutes(15),
      removalPolicy,
      properties: {
        clusterName,
        // A changed policy is told to who carries it out: what was taken over is deleted only after a change (functions/resources/adopted.ts).
        ...(cell.adoptsWhatIsThere ? { adopt: "true", removalPolicy } : {}),
        // CloudFormation hands every property over as a text.
        force: String(props.autoDeleteTopics ?? cell.removalPolicy === RemovalPolicy.DESTROY),
        ...(description === undefined ? {} : { description }),
        ...(defaults === undefined ? {} : { defaults }),
      },
    });
    resource.node.addDependency(...cell.brokersReady);
    this.clusterId = resource.getAttString("ClusterId");
    const port = resource.getAtt("KafkaPort");
    this.kafkaPort = Port.tcp(Token.asNumber(port));
    this.bootstrapServers =
      cell.bootstrapHost === undefined
        ? resource.getAttString("BootstrapServers")
        : `${cell.bootstrapHost}:${Token.asString(port)}`;
  }
}
