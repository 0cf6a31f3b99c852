import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Places } from "./places.ts";

/**
 * One network namespace for each broker and one for the clients, joined by a bridge in the namespace of this process, which can reach all of them. Every
 * name holds the pid of its maker: what one left behind that was killed is removed by the next.
 */
export type CutNetwork = Places &
  Disposable & {
    /** A host that is gone: nothing comes from it, nothing reaches it, and nobody is told. */
    isolate(slot: number): void;
    /** What one broker sends to another is lost without a word; the other way stays. */
    cut(from: number, to: number): void;
    /** Everything is as before. */
    heal(): void;
  };

/** Why there can be no namespaces here, or null. */
export function namespacesUnavailable(): string | null {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const name = `myelin-${process.pid}-try`;
  const { error, status, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (error !== undefined) return "there is no ip command (iproute2)";
  if (status !== 0) return `ip netns add: ${stderr.trim()}`;
  const bridge = spawnSync("ip", ["-n", name, "link", "add", "try", "type", "bridge"]);
  ip("netns", "del", name);
  return bridge.status === 0 ? null : "the kernel has no bridges";
}

const clientNumber = 100;
const ownNumber = 254;

export function createNamespaces(brokerCount: number): CutNetwork {
  removeLeftovers();
  const network = freeNetwork();
  const bridge = `my-br-${process.pid}`;
  const slots = Array.from({ length: brokerCount }, (_, index) => index + 1);
  const address = (number: number): string => `${network}.${number}`;
  const dispose = (): void => {
    for (const number of [...slots, clientNumber]) {
      tryIp("link", "del", deviceOf(number));
      tryIp("netns", "del", nameOf(number));
    }
    tryIp("link", "del", bridge);
    process.off("exit", dispose);
  };
  process.on("exit", dispose);
  try {
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${address(ownNumber)}/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    for (const number of [...slots, clientNumber]) addNamespace(number, { bridge, address });
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    host: address,
    brokerPrefix: (slot) => ["ip", "netns", "exec", nameOf(slot)],
    clientPrefix: ["ip", "netns", "exec", nameOf(clientNumber)],
    isolate: (slot) => ip("link", "set", deviceOf(slot), "down"),
    // A neighbour with a hardware address that nobody has: what is sent there is gone, as on a wire that is cut.
    cut(from, to) {
      const nobody = ["lladdr", "02:00:00:00:00:fe", "nud", "permanent"];
      ip("-n", nameOf(from), "neigh", "replace", address(to), "dev", "eth0", ...nobody);
    },
    heal() {
      for (const slot of slots) {
        ip("link", "set", deviceOf(slot), "up");
        ip("-n", nameOf(slot), "neigh", "flush", "dev", "eth0", "nud", "permanent");
      }
    },
    [Symbol.dispose]: dispose,
  };
}

const nameOf = (number: number, pid = process.pid): string => `myelin-${pid}-${number}`;
/** The end of its cable at the bridge. Names of devices have at most 15 characters. */
const deviceOf = (number: number): string => `my${number}-${process.pid}`;

function addNamespace(
  number: number,
  { bridge, address }: { bridge: string; address: (number: number) => string },
): void {
  const name = nameOf(number);
  const device = deviceOf(number);
  ip("netns", "add", name);
  ip("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("link", "set", device, "master", bridge);
  ip("link", "set", device, "up");
  ip("-n", name, "addr", "add", `${address(number)}/24`, "dev", "eth0");
  ip("-n", name, "link", "set", "lo", "up");
  ip("-n", name, "link", "set", "eth0", "up");
}

/** 198.18.0.0/15 is there for benchmarks (RFC 2544): nobody's own network. */
function freeNetwork(): string {
  const used = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (let tries = 0; tries < 256; tries++) {
    const network = `198.18.${(process.pid + tries) % 256}`;
    if (!used.some(({ address }) => address.startsWith(`${network}.`))) return network;
  }
  throw new Error("every network of 198.18.0.0/16 is in use");
}

function removeLeftovers(): void {
  const directory = "/run/netns";
  const made = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of made) {
    const pid = /^myelin-(\d+)-\d+$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) tryIp("netns", "del", name);
  }
  for (const name of Object.keys(networkInterfaces())) {
    const pid = /^my-br-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) tryIp("link", "del", name);
  }
}

function ip(...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}

/** For what may be gone already. */
function tryIp(...args: readonly string[]): void {
  spawnSync("ip", args, { stdio: "ignore" });
}
