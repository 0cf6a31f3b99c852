import { z } from "zod";
import { openCellPorts } from "../../adapters/aws/cell-ports.ts";
import { cellVariables, readEnvironment } from "../../adapters/aws/environment.ts";
import { serveApi } from "../../adapters/node/http-server.ts";
import type { ServedApi } from "../../adapters/node/http-server.ts";
import { createApi } from "../../functions/api.ts";
import { createCluster } from "../../metadata/commands/cluster-commands.ts";
import type { Image } from "../../metadata/image/image.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import { Myelin } from "../../sdk/src/myelin.ts";

export type ControlPlane = {
  readonly myelin: Myelin;
  /** After a look at the log's head. */
  image(): Promise<Image>;
  /** Makes a cluster without HTTP. */
  append(clusterName: string): Promise<"done">;
  /** Stops answering HTTP, and answers again at the same address. */
  hangUp(): Promise<void>;
  serve(): Promise<void>;
  stop(): Promise<void>;
};

/** The API over replica and adapters of its own, as a function has it. The environment is this process's too until it is stopped: the SDK's clients look there. */
export async function startControlPlane(
  environment: Record<string, string>,
): Promise<ControlPlane> {
  const previous = { ...process.env };
  Object.assign(process.env, environment);
  const ports = openCellPorts(readEnvironment(z.object(cellVariables), environment));
  const replica = await openMetadataReplica({
    log: ports.metadataLog,
    ...ports,
    output: { info() {}, warn() {}, error() {} },
    cell: environment["MYELIN_CELL"] ?? "",
    pollMs: 3_600_000,
  });
  const app = createApi({
    replica,
    ...ports,
    config: {
      version: "test",
      kafka: { host: "no-broker-yet.invalid", port: 9092 },
      httpEndpoint: null,
    },
  });
  let http: ServedApi = await serveApi(app, { host: "127.0.0.1", port: 0 });
  const { port, url } = http;
  return {
    myelin: new Myelin({ url }),
    async image() {
      await replica.readToHead();
      return replica.image;
    },
    async append(name) {
      await replica.submit((image, context) => createCluster(image, { name }, context));
      return "done";
    },
    hangUp: () => http.close(),
    async serve() {
      http = await serveApi(app, { host: "127.0.0.1", port });
    },
    async stop() {
      await http.close();
      await replica.close();
      await ports.close();
      for (const name of Object.keys(environment)) {
        if (previous[name] === undefined) delete process.env[name];
        else process.env[name] = previous[name];
      }
    },
  };
}
