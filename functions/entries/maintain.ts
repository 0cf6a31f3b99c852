// Maintains the metadata log while no broker does, on a schedule.
import { z } from "zod";
import { cellVariables, readEnvironment } from "../../adapters/aws/environment.ts";
import { once } from "../once.ts";
import type { MaintainResult } from "../tasks/maintain.ts";
import { maintain } from "../tasks/maintain.ts";
import { openFunctionCell } from "./cell-of-function.ts";

const cell = once(() => openFunctionCell(readEnvironment(z.object(cellVariables), process.env)));

export async function handler(): Promise<MaintainResult> {
  return maintain(await cell());
}
