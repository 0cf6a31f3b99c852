import { errorCodes } from "../../protocol/errors.ts";
import {
  type ApiVersionsRequest,
  apiVersionsRequest,
  apiVersionsResponse,
} from "../../protocol/messages/api-versions.ts";
import type { Encodable } from "../../protocol/schema/message.ts";
import type { VersionRange } from "../../protocol/schema/types.ts";
import { type KafkaApi, kafkaApi, type RequestContext } from "./kafka-api.ts";

type Response = Encodable<typeof apiVersionsResponse>;

/** A feature level of the whole cell (KIP-584): what this broker could do, and what is switched on. */
export type Feature = {
  readonly name: string;
  readonly supported: VersionRange;
  readonly finalized: VersionRange | null;
};

export type Features = { readonly epoch: number; readonly list: readonly Feature[] };

/**
 * Nothing that clients ask features for is built yet: transaction.version comes with transactions, group.version with the new group protocol.
 * Epoch -1 says that there is nothing to know.
 */
export const noFeatures: Features = { epoch: -1, list: [] };

const versions: VersionRange = [0, 5];

/**
 * Versions 0-5: 1 throttle time, 3 flexible with the client's software (KIP-511) and features (KIP-584), 4 features whose range begins at 0,
 * 5 the broker the client believes to be talking to (KIP-1242). What is shown is what `served` holds: a key that is not built is not there.
 */
export function apiVersions(
  served: readonly Pick<KafkaApi<never>, "key" | "advertised">[],
  features: Features = noFeatures,
) {
  const apiKeys = [...served, { key: apiVersionsRequest.key ?? 0, advertised: versions }]
    .map(({ key, advertised: [minVersion, maxVersion] }) => ({
      apiKey: key,
      minVersion,
      maxVersion,
    }))
    .sort((a, b) => a.apiKey - b.apiKey);

  return kafkaApi(
    apiVersionsRequest,
    apiVersionsResponse,
    {
      versions,
      // KIP-511: a client from the future learns here what to fall back to. Older franz-go takes this list for the complete one, so it is.
      unknownVersion: () => ({ errorCode: errorCodes.UNSUPPORTED_VERSION, apiKeys }),
    },
    (request, context: RequestContext<{ readonly brokerId: number }>): Response => {
      const error = wrongIdentity(request, context);
      if (error !== null) return { errorCode: errorCodes[error], apiKeys: [] };
      if (context.apiVersion >= 3) {
        const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
        context.connection.clientSoftware = { name, version };
      }
      return {
        errorCode: errorCodes.NONE,
        apiKeys,
        ...shownFeatures(features, context.apiVersion),
      };
    },
  );
}

// ApiVersionsRequest.java: what goes into metrics and logs by name must be fit for it.
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

function wrongIdentity(
  request: ApiVersionsRequest,
  context: RequestContext<{ readonly brokerId: number }>,
): "INVALID_REQUEST" | "REBOOTSTRAP_REQUIRED" | null {
  if (context.apiVersion < 3) return null;
  const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
  if (!softwareName.test(clientSoftwareName)) return "INVALID_REQUEST";
  if (!softwareName.test(clientSoftwareVersion)) return "INVALID_REQUEST";
  if ((clusterId === null) !== (nodeId === -1)) return "INVALID_REQUEST";
  if (clusterId === null) return null;
  // An address that now belongs to another broker, or a load balancer that sent the client astray: it must start from its bootstrap servers.
  const isMeant = clusterId === context.clusterId && nodeId === context.services.brokerId;
  return isMeant ? null : "REBOOTSTRAP_REQUIRED";
}

function shownFeatures({ epoch, list }: Features, apiVersion: number) {
  // KAFKA-17492: clients below version 4 fail to read a range that begins at 0.
  const supported = list.filter((each) => apiVersion >= 4 || each.supported[0] > 0);
  return {
    supportedFeatures: supported.map(({ name, supported: [minVersion, maxVersion] }) => ({
      name,
      minVersion,
      maxVersion,
    })),
    finalizedFeaturesEpoch: epoch,
    finalizedFeatures: list.flatMap(({ name, finalized }) =>
      finalized === null
        ? []
        : [{ name, minVersionLevel: finalized[0], maxVersionLevel: finalized[1] }],
    ),
  };
}
