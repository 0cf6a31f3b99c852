import { createHash } from "node:crypto";
import { z } from "zod";

// Custom::MyelinCluster and Custom::MyelinTopic, as CloudFormation asks for them through CDK's provider framework: `onEvent` is given an event and gives
// back the physical id, or throws what CloudFormation shows. It asks again when it is not sure of an answer, so everything may come twice.
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html

const anyProperties = z.record(z.string(), z.unknown());

export const resourceEvent = z.discriminatedUnion("RequestType", [
  z.object({
    RequestType: z.literal("Create"),
    RequestId: z.string().min(1),
    ResourceType: z.string(),
    ResourceProperties: anyProperties,
  }),
  z.object({
    RequestType: z.literal("Update"),
    RequestId: z.string().min(1),
    ResourceType: z.string(),
    PhysicalResourceId: z.string(),
    ResourceProperties: anyProperties,
  }),
  z.object({
    RequestType: z.literal("Delete"),
    RequestId: z.string().min(1),
    ResourceType: z.string(),
    PhysicalResourceId: z.string(),
    ResourceProperties: anyProperties,
  }),
]);

export type ResourceEvent = z.infer<typeof resourceEvent>;

export type ResourceAnswer = {
  /** Another one than before: the resource was made anew, and CloudFormation has the old one deleted. */
  readonly PhysicalResourceId: string;
  /** What templates get with Fn::GetAtt. */
  readonly Data?: Readonly<Record<string, string>>;
};

/** A request that cannot be carried out as the template has it; the message says what to change. */
export class ResourceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ResourceError";
  }
}

/** The properties of a resource, which CloudFormation hands over as texts. Throws ResourceError. */
export function propertiesOf<Shape extends z.ZodType>(
  shape: Shape,
  given: Readonly<Record<string, unknown>>,
): z.infer<Shape> {
  const read = shape.safeParse(given);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new ResourceError(`properties of the resource: ${wrong.join("; ")}`);
}

/** What makes two requests of one id the same. */
export function hashOf(properties: unknown): string {
  return createHash("sha256").update(JSON.stringify(properties)).digest("base64url");
}
