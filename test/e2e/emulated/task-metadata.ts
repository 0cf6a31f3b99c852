import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type TaskPlace = { readonly zone: string; readonly host: string };

/** What ECS gives each of its containers: an endpoint that says where it is. Tasks are numbered from 0. */
export type TaskMetadata = {
  environmentOf(task: number): Record<string, string>;
  close(): Promise<void>;
};

export async function startTaskMetadata(places: readonly TaskPlace[]): Promise<TaskMetadata> {
  const server = createServer((request, response) => {
    const [, version, task = "", rest] =
      /^\/(v4|agent)\/(\d+)(\/.*)?$/.exec(request.url ?? "") ?? [];
    const place = places[Number(task)];
    if (version !== "v4" || place === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body =
      rest === "/task"
        ? { AvailabilityZone: place.zone, TaskARN: `arn:aws:ecs:us-east-1:0:task/${task}` }
        : { Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [place.host] }] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    environmentOf: (task) => ({
      ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${port}/v4/${task}`,
      ECS_AGENT_URI: `http://127.0.0.1:${port}/agent/${task}`,
    }),
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
