// Of the public registry of AWS: it takes no account, and has no pull limit from inside AWS.

/**
 * What the broker runs on when it is not given an image: Node, and tar. ECS settles on the newest patch of Node 24 at each deployment, the same one
 * for every task of it.
 */
export const nodeImage = "public.ecr.aws/docker/library/node:24-bookworm-slim";
/** Fetches the code into the task. */
export const awsCliImage = "public.ecr.aws/aws-cli/aws-cli:2.32.9";
