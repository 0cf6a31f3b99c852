// Where brokers are, in what they answer: changed into where a tunnel has them. Only the few answers that say so are read; records pass unread.
import { readResponse, writeResponseFrame } from "../../../protocol/api-frame.ts";
import { apiVersionsResponse } from "../../../protocol/messages/api-versions.ts";
import { describeClusterResponse } from "../../../protocol/messages/describe-cluster.ts";
import { findCoordinatorResponse } from "../../../protocol/messages/find-coordinator.ts";
import { metadataResponse } from "../../../protocol/messages/metadata.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";
import type { Encoded } from "../../../protocol/schema/encode.ts";
import type { Message } from "../../../protocol/schema/message.ts";

export type Address = { readonly host: string; readonly port: number };

/** Where this machine reaches what the cell has at an address. */
export type Resolve = (address: Address) => Promise<Address>;

export type AskedApi = { readonly apiKey: number; readonly apiVersion: number };

type Rewrite = (
  apiVersion: number,
  frame: Uint8Array,
  resolve: Resolve,
) => Promise<Encoded | DecodeError>;

/**
 * APIs whose later versions name brokers beside records (KIP-951, KIP-932): the client is told that there are none of those, so that what carries
 * records needs not be read.
 */
const lastVersionWithoutAddresses: ReadonlyMap<number, number | null> = new Map([
  [0, 9],
  [1, 15],
  [78, null],
  [79, null],
]);

const rewrites = new Map<number, Rewrite>([
  [18, rewriteApiVersions],
  [
    3,
    rewriteWith(metadataResponse, async (body, resolve) => ({
      ...body,
      brokers: await Promise.all(body.brokers.map((each) => moved(each, resolve))),
    })),
  ],
  [
    10,
    rewriteWith(findCoordinatorResponse, async (body, resolve) => ({
      ...(await moved(body, resolve)),
      coordinators: await Promise.all(body.coordinators.map((each) => moved(each, resolve))),
    })),
  ],
  [
    60,
    rewriteWith(describeClusterResponse, async (body, resolve) => ({
      ...body,
      brokers: await Promise.all(body.brokers.map((each) => moved(each, resolve))),
    })),
  ],
]);

/** Whether answers of this API say where brokers are. */
export function namesBrokers(apiKey: number): boolean {
  return rewrites.has(apiKey);
}

/** A whole frame in place of this one (which comes without its size). Throws what `resolve` throws, and Error if it is no such answer. */
export async function rewriteResponse(
  { apiKey, apiVersion }: AskedApi,
  frame: Uint8Array,
  resolve: Resolve,
): Promise<Uint8Array> {
  const written = await rewrites.get(apiKey)?.(apiVersion, frame, resolve);
  if (written === undefined) throw new Error(`answers of API ${apiKey} name no brokers`);
  if (written instanceof DecodeError)
    throw new Error(`the answer to API ${apiKey} v${apiVersion} cannot be read`, {
      cause: written,
    });
  return Buffer.concat(written.parts.filter((part) => part instanceof Uint8Array));
}

function rewriteWith<D extends object>(
  response: Message<D, never>,
  change: (body: D, resolve: Resolve) => Promise<D>,
): Rewrite {
  return async (apiVersion, frame, resolve) => {
    const read = readResponse(response, apiVersion, frame);
    if (read instanceof DecodeError) return read;
    const body = (await change(read.body, resolve)) as never;
    return writeResponseFrame(response, apiVersion, read.correlationId, body);
  };
}

async function moved<Place extends Address>(place: Place, resolve: Resolve): Promise<Place> {
  // No coordinator, or a version that has the field elsewhere.
  if (place.host === "" || place.port <= 0) return place;
  return { ...place, ...(await resolve(place)) };
}

async function rewriteApiVersions(
  apiVersion: number,
  frame: Uint8Array,
): Promise<Encoded | DecodeError> {
  // A broker that does not know the version asked for answers in the first (KIP-511).
  const [, newest] = apiVersionsResponse.versions;
  for (const version of new Set([Math.min(apiVersion, newest), 0])) {
    const read = readResponse(apiVersionsResponse, version, frame);
    if (read instanceof DecodeError) {
      if (version === 0) return read;
      continue;
    }
    const apiKeys = read.body.apiKeys.flatMap((api) => {
      const last = lastVersionWithoutAddresses.get(api.apiKey);
      if (last === undefined) return [api];
      return last === null ? [] : [{ ...api, maxVersion: Math.min(api.maxVersion, last) }];
    });
    return writeResponseFrame(apiVersionsResponse, version, read.correlationId, {
      ...read.body,
      apiKeys,
    });
  }
  throw new Error("version 0 was tried last");
}
