import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** The process that listens on a local TCP port, where the platform lets us see it (Linux, own processes); null otherwise. */
export function portOwner(port: number): { pid: number; name: string } | null {
  try {
    const inode = listeningInode(port);
    return inode === null ? null : processWithSocket(inode);
  } catch {
    return null; // No /proc here: the message does without.
  }
}

const listening = "0A";

function listeningInode(port: number): string | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readFileSync(table, "utf8").split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === listening && fields[1]?.endsWith(wanted) === true) return fields[9] ?? null;
    }
  }
  return null;
}

function processWithSocket(inode: string): { pid: number; name: string } | null {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const holds = readdirSync(`/proc/${pid}/fd`).some(
        (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`,
      );
      if (holds) return { pid: Number(pid), name: nameOf(pid) };
    } catch {
      continue; // Another user's process, or one that just ended.
    }
  }
  return null;
}

/** The program's name: what `comm` has is the main thread's, which Node renames. */
function nameOf(pid: string): string {
  const [program = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return basename(program) || readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}
