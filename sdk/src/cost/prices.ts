// What AWS asks in us-east-1, in US dollars, as the project's reference pages have them, or as they are widely known where those do not, on the date below; check before you rely on one. Other regions are up to a third dearer; free tiers and discounts are left out.
// https://aws.amazon.com/fargate/pricing/ · s3/pricing · dynamodb/pricing/on-demand · ec2/pricing/on-demand (data transfer) · vpc/pricing ·
// elasticloadbalancing/pricing · lambda/pricing · eventbridge/pricing · kms/pricing · cloudwatch/pricing · api-gateway/pricing

export const pricesAsOf = "2026-11-20";
export const priceRegion = "us-east-1";

export const prices = {
  /** Fargate on ARM, per vCPU and hour. */
  vcpuHour: 0.03238,
  /** Fargate on ARM, per GB of memory and hour. */
  memoryGbHour: 0.00356,
  /** Fargate's disk beyond the first 20 GB of a task, per GB and hour. */
  diskGbHour: 0.000111,
  freeDiskGb: 20,
  /** A public IPv4 address, per hour. */
  addressHour: 0.005,
  /** A network load balancer, per hour; its capacity units for bootstrapping are next to nothing. */
  balancerHour: 0.0225,
  /** A GB from one availability zone to another: both sides pay a cent. */
  acrossZonesGb: 0.02,
  /** S3 Standard, per GB and month. */
  objectGbMonth: 0.023,
  /** S3, per million PUT and LIST requests. */
  objectPutMillion: 5,
  /** DynamoDB on demand, per million reads of 4 KB. */
  tableReadMillion: 0.125,
  /** Lambda on ARM, per GB-second. */
  functionGbSecond: 0.0000133334,
  /** Lambda, per million requests. */
  functionMillion: 0.2,
  /** EventBridge Scheduler, per million calls. */
  scheduleMillion: 1,
  /** A key in KMS, per month. */
  keyMonth: 1,
  /** A CloudWatch alarm, per month. */
  alarmMonth: 0.1,
  /** A metric of one's own in CloudWatch, per month. */
  metricMonth: 0.3,
  /** A CloudWatch dashboard, per month. */
  dashboardMonth: 3,
  /** CloudWatch Logs, per GB taken in. */
  logGb: 0.5,
} as const;
