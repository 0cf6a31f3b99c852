import { Duration } from "aws-cdk-lib";
import { Connections } from "aws-cdk-lib/aws-ec2";
import type { ICluster } from "aws-cdk-lib/aws-ecs";
import {
  AvailabilityZoneRebalancing,
  CfnService,
  Cluster,
  ExecuteCommandLogging,
  FargateService,
  PropagatedTagSource,
} from "aws-cdk-lib/aws-ecs";
import { Port } from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { BootstrapBalancer } from "./bootstrap-balancer.ts";
import type { BrokerTaskProps } from "./broker-task.ts";
import { BrokerTask } from "./broker-task.ts";
import type { CellNetwork, Zone } from "./network.ts";
import { kafkaPort } from "./ports.ts";

export type BrokerFleetProps = BrokerTaskProps & { readonly network: CellNetwork };

/** A zone's brokers, as the reconcile task finds them. */
export type ZoneService = {
  /** As the task metadata names it. Not known before the deployment. */
  readonly zone: string;
  readonly serviceName: string;
  readonly service: FargateService;
};

/**
 * One service per zone, each behind the one before it: CloudFormation then rolls a deployment zone by zone, which three replicas with two in sync
 * always survive. Within a zone ECS stops before it starts (no task could take over the disk of another anyway), and moves none to "rebalance".
 */
export class BrokerFleet extends Construct {
  readonly cluster: Cluster;
  /** Given, as the services' names are. */
  readonly clusterName: string;
  readonly task: BrokerTask;
  readonly services: readonly ZoneService[];
  readonly balancer: BootstrapBalancer | undefined;
  /** Clients may be let in here: to the brokers, and to the load balancer in front of them. */
  readonly connections: Connections;

  constructor(scope: Construct, id: string, props: BrokerFleetProps) {
    super(scope, id);
    const { network, profile, state } = props;
    this.clusterName = `myelin-${state.cellName}`;
    this.cluster = new Cluster(this, "Cluster", {
      vpc: network.vpc,
      clusterName: this.clusterName,
      // A transcript would need a role that may describe every log group. CloudTrail says who opened a session, and when.
      executeCommandConfiguration: { logging: ExecuteCommandLogging.NONE },
    });
    acknowledge(this.cluster, {
      "AwsSolutions-ECS4":
        "Container Insights is billed per task and metric; CPU and memory are in ECS's own metrics, and everything else brokers report themselves.",
    });
    this.task = new BrokerTask(this, "Broker", props);
    this.task.grantProtection(this.clusterName);
    this.balancer = profile.hasBootstrapBalancer
      ? new BootstrapBalancer(this, "Bootstrap", {
          network,
          containerName: this.task.container.containerName,
        })
      : undefined;
    this.services = network.zones.map((zone, index) => this.#addZone(zone, index, props));
    for (const [index, { service }] of this.services.entries()) {
      const before = this.services[index - 1];
      if (before !== undefined) service.node.addDependency(before.service);
    }
    this.connections = new Connections({
      securityGroups: [
        network.brokers,
        ...(this.balancer === undefined ? [] : [this.balancer.securityGroup]),
      ],
      defaultPort: Port.tcp(kafkaPort),
    });
  }

  #addZone(
    zone: Zone,
    index: number,
    { network, state, allowsExec }: BrokerFleetProps,
  ): ZoneService {
    // Given and not generated: the reconcile function knows it, and is there before the services are.
    const serviceName = `myelin-${state.cellName}-${index + 1}`;
    const service = new FargateService(this, `Zone${index + 1}`, {
      // CDK's types disagree about what may be undefined (exactOptionalPropertyTypes).
      cluster: this.cluster as ICluster,
      serviceName,
      taskDefinition: this.task.definition,
      vpcSubnets: { subnets: [zone.subnet] },
      assignPublicIp: network.arePublic,
      securityGroups: [network.brokers],
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      // Replacing a broker that copies what it will hold would make it begin again.
      healthCheckGracePeriod: Duration.minutes(15),
      circuitBreaker: { rollback: true },
      enableExecuteCommand: allowsExec,
      enableECSManagedTags: true,
      propagateTags: PropagatedTagSource.SERVICE,
    });
    this.balancer?.register(service);
    // How many there are is the reconcile function's to say: a deployment must not undo a scale-out, or wake a cell that sleeps.
    if (service.node.defaultChild instanceof CfnService)
      service.node.defaultChild.addPropertyDeletionOverride("DesiredCount");
    return { zone: zone.name, serviceName, service };
  }

  /** zone -> service, as JSON: written by hand, for the names of the zones are not known yet, and keys of an object must be. */
  get servicesJson(): string {
    const pairs = this.services.map(({ zone, serviceName }) => `"${zone}":"${serviceName}"`);
    return `{${pairs.join(",")}}`;
  }
}
