/** Kafka's ConfigDef types, by the names DescribeConfigs and the HTTP API show. */
export type SettingType = "BOOLEAN" | "STRING" | "INT" | "LONG" | "DOUBLE" | "LIST";
export type Importance = "HIGH" | "MEDIUM" | "LOW";

/** Kafka's ConfigSource names. */
export type SettingSource =
  | "TOPIC_CONFIG"
  | "DYNAMIC_BROKER_CONFIG"
  | "DYNAMIC_DEFAULT_BROKER_CONFIG"
  | "STATIC_BROKER_CONFIG"
  | "DEFAULT_CONFIG";

/** Says what is wrong with a well-typed value, in Kafka's words; null if nothing is. */
export type SettingCheck = (value: string) => string | null;

export type Setting = {
  readonly name: string;
  readonly type: SettingType;
  readonly defaultValue: string;
  readonly importance: Importance;
  readonly doc: string;
  readonly check?: SettingCheck;
};

/** One setting with the value in force, as DescribeConfigs and the HTTP API list it. */
export type ResolvedSetting = {
  readonly name: string;
  readonly value: string;
  readonly source: SettingSource;
  readonly type: SettingType;
  readonly isReadOnly: boolean;
  readonly isSensitive: false;
  readonly importance: Importance;
  readonly doc: string;
  /** Where the value could come from, the one in force first. */
  readonly synonyms: readonly SettingSynonym[];
};

export type SettingSynonym = {
  readonly name: string;
  readonly value: string;
  readonly source: SettingSource;
};

const int32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** The value as it is stored (trimmed; lists without blanks), or what is wrong with it in Kafka's words. */
export function checkValue(
  setting: Setting,
  given: string,
): { kind: "valid"; value: string } | { kind: "invalid"; message: string } {
  const value = setting.type === "LIST" ? listOf(given).join(",") : given.trim();
  const wrong = checkType(setting.type, value) ?? setting.check?.(value) ?? null;
  if (wrong === null) return { kind: "valid", value };
  return {
    kind: "invalid",
    message: `Invalid value ${given.slice(0, 200)} for configuration ${setting.name}: ${wrong}`,
  };
}

export function listOf(value: string): string[] {
  const items = value.split(",").map((item) => item.trim());
  return [...new Set(items.filter((item) => item !== ""))];
}

function checkType(type: SettingType, value: string): string | null {
  switch (type) {
    case "BOOLEAN":
      return /^(?:true|false)$/i.test(value) ? null : "Expected value to be either true or false";
    case "INT":
    case "LONG": {
      const range = type === "INT" ? int32 : int64;
      const isInRange = /^[+-]?\d{1,19}$/.test(value) && isBetween(BigInt(value), range);
      return isInRange ? null : `Not a number of type ${type}`;
    }
    case "DOUBLE": {
      const isNumber = value !== "" && Number.isFinite(Number(value));
      return isNumber ? null : "Not a number of type DOUBLE";
    }
    case "STRING":
    case "LIST":
      return null;
  }
}

function isBetween(value: bigint, range: { least: bigint; most: bigint }): boolean {
  return value >= range.least && value <= range.most;
}

export function atLeast(least: number): SettingCheck {
  return (value) => (Number(value) >= least ? null : `Value must be at least ${least}`);
}

export function between(least: number, most: number): SettingCheck {
  return (value) => {
    if (Number(value) < least) return `Value must be at least ${least}`;
    return Number(value) > most ? `Value must be no more than ${most}` : null;
  };
}

/** `extra` or a value in the range, as compression levels take -1 for "the codec's own". */
export function betweenOr(extra: number, least: number, most: number): SettingCheck {
  const inRange = between(least, most);
  return (value) => (Number(value) === extra ? null : inRange(value));
}

export function oneOfStrings(...allowed: readonly string[]): SettingCheck {
  return (value) =>
    allowed.includes(value) ? null : `String must be one of: ${allowed.join(", ")}`;
}

export function listWithin(...allowed: readonly string[]): SettingCheck {
  return (value) =>
    listOf(value).every((item) => allowed.includes(item))
      ? null
      : `String must be one of: ${allowed.join(", ")}`;
}

/** For a switch that must not be taken without a word: whoever turns it on counts on what does not happen here. */
export function onlyFalse(reason: string): SettingCheck {
  return (value) => (booleanOf(value) ? reason : null);
}

/** Kafka's throttled replica lists: `*`, or partition:broker pairs. */
export const throttledReplicas: SettingCheck = (value) => {
  if (value === "" || value === "*") return null;
  return listOf(value).every((item) => /^\d+:\d+$/.test(item))
    ? null
    : "Must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...";
};

/** Kafka writes "never" as the largest int64; the nearest exact number of ours does the same. */
export function numberOf(value: string): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

export function booleanOf(value: string): boolean {
  return value.toLowerCase() === "true";
}
