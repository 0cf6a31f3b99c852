// What the AWS CLI answers, asked for once and looked at before it is used.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { reasonOf, SessionError } from "./session-error.ts";

const run = promisify(execFile);
const callLimitMs = 30_000;
const maxAnswerBytes = 16 * 1024 * 1024;

/** Throws SessionError: in the CLI's words where it fails, in ours where it says something else than `isAnswer` takes. */
export async function askAws<Answer>(
  aws: string,
  args: readonly string[],
  isAnswer: (said: unknown) => said is Answer,
): Promise<Answer> {
  const { stdout } = await run(aws, [...args], {
    timeout: callLimitMs,
    maxBuffer: maxAnswerBytes,
  }).catch((error: unknown) => {
    throw new SessionError(reasonOf(error, aws), { cause: error });
  });
  const said = jsonOf(stdout);
  if (isAnswer(said)) return said;
  // Not what it said: that may be a secret.
  throw new SessionError(
    `${aws} ${args.slice(0, 2).join(" ")} did not answer as version 2 of the AWS CLI does: is it an older one (aws --version), or a wrapper that says more?`,
  );
}

/** Null if it is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isList = <Item>(
  value: unknown,
  isItem: (item: unknown) => item is Item,
): value is Item[] => Array.isArray(value) && value.every(isItem);

export const isText = (value: unknown): value is string => typeof value === "string";
