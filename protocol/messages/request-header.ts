import { data, type Infer } from "../schema/message.ts";
import { classic, int16, int32, nullable, since, string } from "../schema/types.ts";

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
