import { askAws, isObject, isText } from "./aws-answer.ts";

export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

type Exported = {
  AccessKeyId: string;
  SecretAccessKey: string;
  SessionToken?: string;
  Expiration?: string;
};

/** Nothing, where there is no such thing to say. */
const isOptionalText = (value: unknown): boolean => value === undefined || isText(value);

const isExported = (said: unknown): said is Exported =>
  isObject(said) &&
  isText(said["AccessKeyId"]) &&
  isText(said["SecretAccessKey"]) &&
  isOptionalText(said["SessionToken"]) &&
  isOptionalText(said["Expiration"]);

/** New ones are asked for so long before the old end. */
const marginMs = 60_000;
/** Those without an end are asked for again now and then: somebody may have signed in as someone else. */
const keptMs = 5 * 60_000;

/** Credentials of the environment, else as the AWS CLI finds them, kept for as long as they hold. What it gives throws SessionError. */
export function createAwsCredentials(aws: string): () => Promise<AwsCredentials> {
  let known: { credentials: Promise<AwsCredentials>; untilMs: number } | null = null;

  async function ask(): Promise<AwsCredentials> {
    const given = ofEnvironment();
    if (given !== null) return given;
    const args = ["configure", "export-credentials", "--format", "process"];
    const exported = await askAws(aws, args, isExported);
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = exported;
    const endMs = Expiration === undefined ? NaN : Date.parse(Expiration);
    if (known !== null && !Number.isNaN(endMs)) known.untilMs = endMs - marginMs;
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
    };
  }

  return () => {
    if (known !== null && Date.now() < known.untilMs) return known.credentials;
    const credentials = ask();
    known = { credentials, untilMs: Date.now() + keptMs };
    // What failed is asked for again.
    credentials.catch(() => (known = null));
    return credentials;
  };
}

/** They come first everywhere in AWS, and need no AWS CLI. https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html */
function ofEnvironment(): AwsCredentials | null {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId = "",
    AWS_SECRET_ACCESS_KEY: secretAccessKey = "",
    AWS_SESSION_TOKEN: sessionToken = "",
  } = process.env;
  if (accessKeyId === "" || secretAccessKey === "") return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken === "" ? {} : { sessionToken }) };
}
