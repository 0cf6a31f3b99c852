import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";

// While simulated code runs, the real clock, real timers and real randomness throw: a run that asks for them would not repeat (style.md B). Everything
// is put in place once and looks at a flag, because other code of the process (a test runner's own timers) runs between our events.

/** Simulated code asked for the real world. */
export class EscapeError extends Error {
  constructor(what: string) {
    super(`simulated code used ${what}: time and randomness come from the ports`);
    this.name = "EscapeError";
  }
}

export type NoEscape = {
  /** From here on the real world throws. */
  enter(): void;
  leave(): void;
  /** What was asked for since the last call. Product code may have caught what was thrown. */
  takeEscapes(): EscapeError[];
};

let isInside = false;
let isInstalled = false;
let escapes: EscapeError[] = [];

export function createNoEscape(): NoEscape {
  if (!isInstalled) install();
  isInstalled = true;
  return {
    enter() {
      isInside = true;
    },
    leave() {
      isInside = false;
    },
    takeEscapes() {
      if (escapes.length === 0) return escapes;
      const taken = escapes;
      escapes = [];
      return taken;
    },
  };
}

function refuse(what: string): void {
  if (!isInside) return;
  const error = new EscapeError(what);
  escapes.push(error);
  throw error;
}

function install(): void {
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    guard(globalThis, name, name);
    guard(timers, name, `node:timers ${name}`);
  }
  guard(Math, "random", "Math.random");
  guard(performance, "now", "performance.now");
  guard(Date, "now", "Date.now");
  guard(AbortSignal, "timeout", "AbortSignal.timeout");
  guard(process, "hrtime", "process.hrtime");
  guard(globalThis.crypto, "getRandomValues", "crypto.getRandomValues");
  guard(globalThis.crypto, "randomUUID", "crypto.randomUUID");
  for (const name of ["randomBytes", "randomUUID", "randomInt", "randomFillSync"] as const) {
    guard(crypto, name, `node:crypto ${name}`);
  }
  guardDate();
  // Named imports of Node's own modules follow what was put in their place.
  syncBuiltinESMExports();
}

function guard<Owner extends object>(owner: Owner, name: keyof Owner & string, what: string): void {
  const original: unknown = owner[name];
  if (typeof original !== "function") return;
  const guarded = new Proxy(original, {
    apply(target, self: unknown, args: unknown[]): unknown {
      refuse(what);
      return Reflect.apply(target as () => unknown, self, args);
    },
  });
  Object.defineProperty(owner, name, { value: guarded, configurable: true, writable: true });
}

/** `new Date(ms)` is arithmetic; `new Date()` is the clock. */
function guardDate(): void {
  globalThis.Date = new Proxy(Date, {
    construct(target, args: unknown[], newTarget): object {
      if (args.length === 0) refuse("new Date()");
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target, self: unknown, args: []): unknown {
      refuse("Date()");
      return Reflect.apply(target, self, args);
    },
  });
}
