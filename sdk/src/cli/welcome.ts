import { relative } from "node:path";
import type { Output } from "./output.ts";

export type Welcome = {
  readonly data: string;
  readonly brokerCount: number;
  /** For any Kafka client. */
  readonly kafka: string;
  readonly http: { readonly url: string; readonly port: number };
  readonly cluster: { readonly name: string; readonly clusterId: string };
  /** Lines before what to try. */
  readonly more: readonly string[];
  readonly end: string;
};

/** What a person sees first: where it is, and what to try. */
export function sayWelcome(output: Output, welcome: Welcome): void {
  const { brokerCount, kafka, http, cluster, more, end } = welcome;
  const brokers = brokerCount === 1 ? "1 broker" : `${brokerCount} brokers`;
  const flags = http.port === 8080 ? "" : ` --url ${http.url}`;
  const lines = [
    `Myelin is up (${brokers}, data in ${shownPath(welcome.data)})`,
    "",
    `  Kafka        ${kafka}`,
    `  HTTP API     ${http.url}   reference: ${http.url}/docs`,
    `  Cluster      ${cluster.name}  (${cluster.clusterId})`,
    "",
    ...more,
    `  npx --no myelin topic create orders --partitions 6${flags}`,
    `  echo 'k1:hello' | npx --no myelin produce orders --key-separator :${flags}`,
    `  npx --no myelin consume orders --from-beginning${flags}`,
    "",
    end,
  ];
  // In one piece, so that whoever waits for the first line has them all.
  output.line(lines.join("\n"));
}

/** As short as it can be said from here. */
export function shownPath(path: string): string {
  const shown = relative(process.cwd(), path);
  return shown === "" || shown.startsWith("..") ? path : `./${shown}`;
}
