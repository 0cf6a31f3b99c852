import type { CellControl } from "./control/cell.ts";
import { createCellControl } from "./control/cell.ts";
import type { Clusters } from "./control/clusters.ts";
import { createClusters } from "./control/clusters.ts";
import type { HttpClientOptions } from "./control/http-client.ts";
import { createHttpClient } from "./control/http-client.ts";

export type MyelinOptions = HttpClientOptions;

/**
 * A cell of Myelin, by the address of its control plane.
 *
 *     const myelin = new Myelin({ url: "http://127.0.0.1:8080" });
 *     const shop = await myelin.clusters.create({ name: "shop" });
 *
 * One that takes the tokens of an issuer:
 *
 *     const myelin = new Myelin({ url: "https://...", token: () => issuer.freshToken() });
 */
export class Myelin {
  readonly clusters: Clusters;
  /** The brokers behind the clusters, for those who operate them. */
  readonly cell: CellControl;

  constructor(options: MyelinOptions) {
    const http = createHttpClient(options);
    this.clusters = createClusters(http);
    this.cell = createCellControl(http);
  }
}
