import { data, type Infer } from "../schema/message.ts";
import { int32 } from "../schema/types.ts";

// v1: flexible.
export const responseHeader = data({ versions: [0, 1], flexible: 1 }, { correlationId: int32 });
export type ResponseHeader = Infer<typeof responseHeader>;
