import { internalTopicNames } from "../image/image.ts";
import { limits } from "../limits.ts";

/** What is wrong with a topic's name, by Kafka's rules; null if nothing is. */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "the empty string is not allowed";
  if (name === "." || name === "..") return `a topic cannot be named ${name}`;
  if (name.length > limits.topicNameLength) {
    return `topic_name has ${name.length} characters; the limit is ${limits.topicNameLength}`;
  }
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return null;
  return `topic_name ${JSON.stringify(name.slice(0, 80))} contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}

/** Names of the cell's own topics, which tenants neither see nor create. */
export function isInternalTopicName(name: string): boolean {
  return (internalTopicNames as readonly string[]).includes(name);
}
