import type { Broker, Image } from "../../metadata/image/image.ts";
import type { CellState, Office, Watched } from "./cell-state.ts";

/** All a duty goes by. */
export type Desk = {
  readonly state: CellState;
  readonly office: Office;
  readonly image: Image;
  /** Brokers at whose address another one has registered since. */
  readonly supplanted: ReadonlySet<number>;
  readonly nowMs: number;
};

/**
 * Of the brokers in service that are not known to be gone fewer than half are heard, this one included: as likely as they it is this one that is cut off, and
 * if it is, the others elect a controller who hears them.
 */
export function isCutOff(desk: Desk): boolean {
  const { state, office, image, nowMs } = desk;
  const { sessionMs, rules } = state.config;
  if (!rules.hearsHalfToFence) return false;
  let heardCount = 0;
  let count = 0;
  for (const broker of image.brokers.values()) {
    const watched = office.watched.get(broker.brokerId);
    if (broker.state === "fenced" || watched === undefined || isGone(desk, broker, watched))
      continue;
    count += 1;
    if (nowMs - watched.lastHeardMs <= sessionMs) heardCount += 1;
  }
  return heardCount * 2 < count;
}

/** Where the log knows no questions: after three sessions without anybody a controller goes on alone, as whoever takes over alone does (C0). */
export function isLeftAlone(desk: Desk): boolean {
  const { state, office, image, nowMs } = desk;
  let lastHeardMs = office.listeningSinceMs;
  for (const broker of image.brokers.values()) {
    const watched = office.watched.get(broker.brokerId);
    if (broker.state === "fenced" || watched === undefined || isGone(desk, broker, watched))
      continue;
    if (broker.brokerId !== state.brokerId && watched.isKnown)
      lastHeardMs = Math.max(lastHeardMs, watched.lastHeardMs);
  }
  return nowMs - lastHeardMs > 3 * state.config.sessionMs;
}

/** By proof: its connection was lost and is refused, or another broker has its place. */
export function isGone(
  { state, office, supplanted, nowMs }: Desk,
  { brokerId }: Broker,
  watched: Watched,
): boolean {
  const { sessionMs, rules } = state.config;
  if (brokerId === state.brokerId) return false;
  const hasListened = nowMs - office.sinceMs >= sessionMs || !rules.listensBeforeFencing;
  if (watched.isClosed && watched.dial === "refused" && hasListened) return true;
  return supplanted.has(brokerId);
}

export function isSilent(desk: Desk, broker: Broker, watched: Watched): boolean {
  const { state, office, nowMs } = desk;
  const { sessionMs, rules } = state.config;
  if (broker.brokerId === state.brokerId || broker.state === "fenced") return false;
  if (isGone(desk, broker, watched)) return false;
  const listeningSinceMs = rules.listensBeforeFencing ? office.listeningSinceMs : -Infinity;
  return nowMs - Math.max(watched.lastHeardMs, listeningSinceMs) > sessionMs;
}
