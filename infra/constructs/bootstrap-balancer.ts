import { Duration } from "aws-cdk-lib";
import type { SecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import {
  ClientRoutingPolicy,
  NetworkLoadBalancer,
  NetworkTargetGroup,
  Protocol,
  TargetType,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { CellNetwork } from "./network.ts";
import { balancedPorts, brokerHttpPort } from "./ports.ts";

export type BootstrapBalancerProps = {
  readonly network: CellNetwork;
  /** The container of the task that has the ports. */
  readonly containerName: string;
};

/**
 * One address for clients to begin with, which stays while brokers come and go. Only that: brokers tell clients their own addresses, so no record
 * passes here. Zonal all the way, so that nobody pays for crossing a border to ask where the brokers are.
 */
export class BootstrapBalancer extends Construct {
  readonly balancer: NetworkLoadBalancer;
  readonly securityGroup: SecurityGroup;
  /** Of the first cluster's port; its healthy hosts are the brokers that clients are sent to. */
  readonly firstTargets: NetworkTargetGroup;
  readonly #targets: readonly { port: number; group: NetworkTargetGroup }[];
  readonly #containerName: string;

  constructor(scope: Construct, id: string, { network, containerName }: BootstrapBalancerProps) {
    super(scope, id);
    this.#containerName = containerName;
    this.securityGroup = network.newBalancerGroup(this, balancedPorts);
    this.balancer = new NetworkLoadBalancer(this, "Balancer", {
      vpc: network.vpc,
      vpcSubnets: { subnets: network.zones.map(({ subnet }) => subnet) },
      internetFacing: false,
      crossZoneEnabled: false,
      clientRoutingPolicy: ClientRoutingPolicy.AVAILABILITY_ZONE_AFFINITY,
      securityGroups: [this.securityGroup],
    });
    acknowledge(this.balancer, {
      "AwsSolutions-ELB2": "It has access logs of TLS listeners only, and has none of those.",
    });
    this.#targets = balancedPorts.map((port) => ({ port, group: this.#listen(network, port) }));
    const first = this.#targets[0];
    if (first === undefined) throw new Error("a balancer without ports");
    this.firstTargets = first.group;
  }

  #listen(network: CellNetwork, port: number): NetworkTargetGroup {
    const group = new NetworkTargetGroup(this, `Targets${port}`, {
      vpc: network.vpc,
      targetType: TargetType.IP,
      port,
      protocol: Protocol.TCP,
      // A client that began here goes on by itself; there is nothing to wait for.
      deregistrationDelay: Duration.seconds(30),
      healthCheck: {
        protocol: Protocol.HTTP,
        port: String(brokerHttpPort),
        // Alive, and not ready: ECS stops what is unhealthy here, and any broker that lives can say where the others are.
        path: "/healthz",
        interval: Duration.seconds(10),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 6,
      },
    });
    this.balancer.addListener(`Port${port}`, {
      port,
      protocol: Protocol.TCP,
      defaultTargetGroups: [group],
    });
    return group;
  }

  /** The service's tasks stand behind every port from now on. */
  register(service: FargateService): void {
    for (const { port, group } of this.#targets)
      group.addTarget(
        service.loadBalancerTarget({ containerName: this.#containerName, containerPort: port }),
      );
  }
}
