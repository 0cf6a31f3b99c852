/** As images name it. */
export type Architecture = "amd64" | "arm64";

export const architectures: readonly Architecture[] = ["amd64", "arm64"];

/** As Node names it, and the packages of its binaries. */
export const nodeNames = { amd64: "x64", arm64: "arm64" } as const;

/** Of this machine. */
export const ownArchitecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** `e_machine` of an ELF file, the 16-bit number at 18. */
const elfMachines = new Map<number, Architecture>([
  [0x3e, "amd64"],
  [0xb7, "arm64"],
]);

/** What a binary's own first bytes say it is for; null for what is no ELF file or for another machine. */
export function architectureOf(binary: Buffer): Architecture | null {
  if (binary.toString("latin1", 0, 4) !== "\x7fELF") return null;
  return elfMachines.get(binary.readUInt16LE(18)) ?? null;
}
