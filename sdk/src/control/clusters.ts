import type { Cluster as ClusterResource, ClusterList } from "../../../functions/api-types.ts";
import type { Cluster } from "../cluster.ts";
import { createCluster } from "../cluster.ts";
import { MyelinError } from "../errors.ts";
import type { HttpClient } from "./http-client.ts";
import { allPages } from "./pages.ts";

export type CreateClusterOptions = {
  name: string;
  description?: string;
  /** Defaults of its topics, by Kafka's server setting names. */
  defaults?: Record<string, string>;
};

/** The logical Kafka clusters of the cell. Every method rejects with MyelinError. */
export type Clusters = {
  create(options: CreateClusterOptions): Promise<Cluster>;
  list(): Promise<Cluster[]>;
  /** By name or id. */
  get(nameOrId: string): Promise<Cluster>;
  /** One that has topics only with `force`: they go with it. */
  delete(nameOrId: string, options?: { force?: boolean }): Promise<void>;
};

export function createClusters(http: HttpClient): Clusters {
  async function list(): Promise<Cluster[]> {
    const resources = await allPages(http, "/v1/clusters", { read: pageOf });
    return resources.map((resource) => createCluster(http, describeCluster(resource)));
  }

  async function get(nameOrId: string): Promise<Cluster> {
    const found = (await list()).find(({ id, name }) => id === nameOrId || name === nameOrId);
    if (found !== undefined) return found;
    throw new MyelinError("NOT_FOUND", `There is no cluster "${nameOrId}"`);
  }

  return {
    async create(options) {
      const created = await http.send<ClusterResource>({
        method: "POST",
        path: "/v1/clusters",
        body: options,
      });
      return createCluster(http, describeCluster(created));
    },
    list,
    get,
    async delete(nameOrId, { force = false } = {}) {
      const { id } = await get(nameOrId);
      const path = `/v1/clusters/${encodeURIComponent(id)}${force ? "?force=true" : ""}`;
      await http.send({ method: "DELETE", path });
    },
  };
}

function pageOf({ data, next_page_token: token }: ClusterList) {
  const nextPath = token === null ? null : `/v1/clusters?page_token=${encodeURIComponent(token)}`;
  return { items: data, nextPath };
}

function describeCluster(resource: ClusterResource): ClusterDescription {
  return {
    id: resource.id,
    name: resource.name,
    state: resource.state,
    bootstrapServers: resource.bootstrap_servers,
    httpEndpoint: resource.http_endpoint,
    createdAt: new Date(resource.created_at),
  };
}

export type ClusterDescription = {
  readonly id: string;
  readonly name: string;
  readonly state: "provisioning" | "ready" | "sleeping" | "deleting";
  /** For any Kafka client; empty until a broker is known. */
  readonly bootstrapServers: string;
  readonly httpEndpoint: string;
  readonly createdAt: Date;
};
