import type { AlteredConfigs, ConfigResource } from "../../metadata/commands/alter-configs.ts";
import type { Command } from "../../metadata/commands/command.ts";
import type { Outcome, TopicErrorCode } from "../../metadata/commands/topic-outcome.ts";
import type { BrokerServices } from "../services.ts";
import { alterableResource } from "./config-resource.ts";
import type { ItemError } from "./submit.ts";
import { errorOfItem, noError, submit } from "./submit.ts";

type Asked = { resourceType: number; resourceName: string };
type Accepted<A> = { resource: ConfigResource; asked: A };

/** The common course of both alter APIs: refuse what cannot be changed, submit the rest as one command, answer for each. */
export async function alterResources<A extends Asked>(
  services: BrokerServices,
  asked: readonly A[],
  command: (accepted: readonly Accepted<A>[]) => Command<Outcome<AlteredConfigs>[], TopicErrorCode>,
) {
  const judged = asked.map((each) => ({
    each,
    judged: alterableResource(each.resourceType, each.resourceName),
  }));
  const accepted: Accepted<A>[] = [];
  for (const { each, judged: verdict } of judged) {
    if (verdict.kind === "resource") accepted.push({ resource: verdict.resource, asked: each });
  }
  const submitted = accepted.length === 0 ? null : await submit(services, command(accepted));
  let next = 0;
  return judged.map(({ each, judged: verdict }) => {
    let error: ItemError = noError;
    if (verdict.kind === "refused") error = verdict.error;
    else if (submitted !== null) error = errorOfItem(submitted, next++);
    return { ...error, resourceType: each.resourceType, resourceName: each.resourceName };
  });
}
