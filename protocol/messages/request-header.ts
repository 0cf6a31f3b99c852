import { data, type Infer } from "../schema/message.ts";
import { classic, int16, int32, nullable, since, string } from "../schema/types.ts";

// v0 lacked the client id and served ControlledShutdown only. The client id keeps its fixed-size length in v2 (KIP-482), so that every version reads alike
// up to there.
export const requestHeader = data(
  { versions: [0, 2], flexible: 2 },
  {
    requestApiKey: int16,
    requestApiVersion: int16,
    correlationId: int32,
    clientId: since(1, nullable(classic(string))),
  },
);
export type RequestHeader = Infer<typeof requestHeader>;
