// What a deployment tells its processes. An error names every variable that is wrong and what it should be, for whoever reads it in a task's last log line.
import { z } from "zod";

/** As in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A process cannot start under what it was told; the message names each variable. */
export class EnvironmentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EnvironmentError";
  }
}

/** Reads the variables of a schema. One that is set to nothing counts as not set, as templates leave them. Throws EnvironmentError. */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  environment: Environment,
): z.infer<Schema> {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => {
    const [name = ""] = path;
    const value = given[String(name)];
    return value === undefined
      ? `${String(name)} is not set: ${message}`
      : `${String(name)} is ${JSON.stringify(value.slice(0, 200))}: ${message}`;
  });
  throw new EnvironmentError(wrong.join("; "));
}

/** A text that must be there; `what` says what it should be. */
export function text(what: string) {
  return z.string({ error: `it should be ${what}` });
}

/** A whole number in decimal digits; `what` says of what. */
export function wholeNumber({ what, min, max }: { what: string; min: number; max: number }) {
  const error = `it should be ${what}, a whole number from ${min} to ${max}`;
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
}

/** Beside letters and digits, what both an object's key and a table's key take: the name is part of them for ever. */
const cellPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** What every process of a cell is told. */
export const cellVariables = {
  /** Names the cell in the table and in the bucket: `cells/<cell>/`. */
  MYELIN_CELL: text("the cell's name").regex(cellPattern, {
    error: "it should be up to 100 letters, digits, '.', '_' and '-', the first a letter or digit",
  }),
  MYELIN_METADATA_TABLE: text("the DynamoDB table of the metadata log"),
  MYELIN_BUCKET: text("the S3 bucket of the cell"),
  /** New objects are encrypted with it; without one as the bucket has it. */
  MYELIN_KMS_KEY_ID: text("a KMS key").optional(),
  AWS_REGION: text("the region of table and bucket, such as eu-central-1"),
  /** Of an emulator; the SDK's clients take it by themselves. */
  AWS_ENDPOINT_URL: z.url({ error: "it should be a URL, and only for an emulator" }).optional(),
};

export type CellEnvironment = z.infer<z.ZodObject<typeof cellVariables>>;
