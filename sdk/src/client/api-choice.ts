import type { Base } from "@platformatic/kafka";
import { MyelinError } from "../errors.ts";

type Versioned = { readonly version: number };

/** Chooses the newest version of an API that the brokers speak and that is among `known`, which ascend. */
export type ApiChoice = <Api extends Versioned>(
  name: string,
  known: readonly Api[],
) => Promise<Api>;

/** What the brokers speak is asked once: they are of one cell. */
export function createApiChoice(client: Pick<Base, "listApis">): ApiChoice {
  let asked: ReturnType<typeof client.listApis> | null = null;
  return async (name, known) => {
    asked ??= client.listApis();
    const ranges = await asked.catch((error: unknown) => {
      asked = null;
      throw error;
    });
    const range = ranges.find((each) => each.name === name);
    const found = known.findLast(({ version }) => {
      return range !== undefined && version >= range.minVersion && version <= range.maxVersion;
    });
    if (found !== undefined) return found;
    const message = `The brokers speak no version of ${name} that is known here`;
    throw new MyelinError("UNSUPPORTED_VERSION", message);
  };
}
