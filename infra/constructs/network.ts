import { Fn, Stack } from "aws-cdk-lib";
import type { ISubnet, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { isEmulated } from "./emulated.ts";
import { brokerHttpPort, kafkaPort } from "./ports.ts";

export type CellNetworkProps = {
  readonly zoneCount: number;
  readonly vpc: IVpc | undefined;
  readonly subnets: SubnetSelection | undefined;
};

/** One place for brokers: a subnet in an availability zone. */
export type Zone = { readonly name: string; readonly subnet: ISubnet };

/**
 * Where the brokers are. A VPC of its own has public subnets only: brokers have public addresses to reach AWS with ($3.65 a month each; a NAT gateway
 * is $33 a zone and $0.045 a GB) and a security group that lets nothing in from outside.
 */
export class CellNetwork extends Construct {
  readonly vpc: IVpc;
  readonly zones: readonly Zone[];
  /** Whether brokers need a public address to reach AWS. */
  readonly arePublic: boolean;
  readonly brokers: SecurityGroup;

  constructor(scope: Construct, id: string, { vpc, subnets, zoneCount }: CellNetworkProps) {
    super(scope, id);
    this.vpc = vpc ?? this.#newVpc(zoneCount);
    const selected = this.vpc.selectSubnets(subnets ?? { subnetType: SubnetType.PUBLIC });
    this.zones = zonesOf(selected.subnets).slice(0, zoneCount);
    if (this.zones.length < zoneCount)
      throw new Error(
        `the subnets lie in ${this.zones.length} availability zones; the profile asks for ${zoneCount}`,
      );
    this.arePublic = selected.hasPublic;
    this.brokers = new SecurityGroup(this, "Brokers", {
      vpc: this.vpc,
      description: "Brokers of a Myelin cell",
      // To S3, DynamoDB, and where images come from; brokers call nobody else.
      allowAllOutbound: true,
    });
    if (!isEmulated(this)) {
      this.brokers.addIngressRule(this.brokers, Port.tcp(kafkaPort), "replication, heartbeats");
    }
  }

  #newVpc(zoneCount: number): IVpc {
    const zones = Fn.getAzs(Stack.of(this).region);
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr("10.92.0.0/16"),
      // By position and not by name: a stack that names no account would otherwise be given two, and one that does needs credentials to be put together.
      availabilityZones: Array.from({ length: zoneCount }, (_, index) => Fn.select(index, zones)),
      natGateways: 0,
      subnetConfiguration: [
        {
          name: "Brokers",
          subnetType: SubnetType.PUBLIC,
          cidrMask: 22,
          // Tasks ask for their address themselves.
          mapPublicIpOnLaunch: false,
        },
      ],
      // It would take a function of CDK's. Nothing is in the default group.
      restrictDefaultSecurityGroup: false,
    });
    // Free, and the way to both without a zone's border or a NAT gateway in between.
    vpc.addGatewayEndpoint("S3", { service: GatewayVpcEndpointAwsService.S3 });
    vpc.addGatewayEndpoint("DynamoDB", { service: GatewayVpcEndpointAwsService.DYNAMODB });
    acknowledge(vpc, {
      "AwsSolutions-VPC7":
        "Flow logs are billed by the byte and say what the security groups do already: only brokers are in here. Whoever needs them brings a VPC that has them.",
    });
    // CDK's types disagree about what may be undefined (exactOptionalPropertyTypes).
    return vpc as IVpc;
  }

  /** The load balancer's part: its own group, which may reach brokers at the ports behind it and at their health. */
  newBalancerGroup(scope: Construct, ports: readonly number[]): SecurityGroup {
    const group = new SecurityGroup(scope, "SecurityGroup", {
      vpc: this.vpc,
      description: "Bootstrap load balancer of a Myelin cell",
      allowAllOutbound: false,
    });
    if (isEmulated(this)) return group;
    for (const port of [...ports, brokerHttpPort])
      group.connections.allowTo(this.brokers, Port.tcp(port), "bootstrap and health");
    return group;
  }
}

/** The first subnet of each zone. */
function zonesOf(subnets: readonly ISubnet[]): Zone[] {
  const byName = new Map<string, ISubnet>();
  for (const subnet of subnets)
    if (!byName.has(subnet.availabilityZone)) byName.set(subnet.availabilityZone, subnet);
  return [...byName].map(([name, subnet]) => ({ name, subnet }));
}
