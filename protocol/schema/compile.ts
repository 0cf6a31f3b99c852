import type { Codec } from "./codec.ts";
import { compileStructRead } from "./compile-read.ts";
import { compileStructWrite } from "./compile-write.ts";
import type { Message } from "./message.ts";
import { isWithin, type WireVersion } from "./wire-version.ts";

/** The codec of one version, derived at first use. Which versions exist is the caller's to check: another one is a bug. */
export function compile<D, E>(message: Message<D, E>, version: number): Codec<D, E> {
  const known = message.codecs[version];
  if (known !== undefined) return known;
  if (!Number.isInteger(version) || !isWithin(message.versions, version)) {
    throw new RangeError(`version ${version} is not in ${message.versions.join("-")}`);
  }
  const at: WireVersion = {
    version,
    isFlexible: message.flexible !== null && version >= message.flexible,
  };
  const codec = {
    read: compileStructRead(message.fields, at),
    write: compileStructWrite(message.fields, at),
  } as Codec<D, E>;
  message.codecs[version] = codec;
  return codec;
}
