import { hashOf } from "./resource-event.ts";

// What was there before its stack is not the stack's to delete when its deployment fails, whatever its removal policy: CloudFormation rolls back with the same
// Delete that it later ends a resource with. So the physical id says that the resource was taken over, and with which properties. A Delete that comes with
// just those is left undone; one that comes after an update, say to `removalPolicy: DESTROY`, is meant. The id stays as it is through updates, for another one
// would have CloudFormation delete the former.

const mark = "+adopted-";
/** Of the provider, and not of what it makes. */
const framework = new Set(["ServiceToken", "ServiceTimeout"]);

type Properties = Readonly<Record<string, unknown>>;

/** The physical id of what is taken over. */
export const adoptedId = (id: string, properties: Properties): string =>
  `${id}${mark}${fingerprint(properties)}`;

/** What a physical id stands for. */
export const idOf = (physicalId: string): string => physicalId.split(mark)[0]!;

/** Whether it was taken over, and nobody has changed it since. */
export function isAsAdopted(physicalId: string, properties: Properties): boolean {
  const [, taken] = physicalId.split(mark);
  return taken !== undefined && taken === fingerprint(properties);
}

/** The order of keys is CloudFormation's affair. */
function fingerprint(properties: Properties): string {
  const own = Object.entries(properties).filter(([name]) => !framework.has(name));
  return hashOf(sorted(Object.fromEntries(own)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([name, held]) => [name, sorted(held)]));
}
