import type { Message } from "./schema/message.ts";
import type {
  DecodedFields,
  EncodableFields,
  Fields,
  TypedFields,
  TypeNode,
} from "./schema/types.ts";

// Fields of our own in Kafka's messages, between our own brokers only. They are tagged fields (KIP-482), which whoever does not know them skips,
// with tags from 10000 on, far above Kafka's. They are kept out of Kafka's tables so that those stay comparable with Kafka's JSON: a message that
// carries some is declared beside its users as `extend(fetchRequest, { ... })`.

export const firstExtensionTag = 10_000;

/** Fields to add, laid out as the message is: a tagged field to add one, an object to reach into a struct or an array of structs. */
type Extension = { readonly [name: string]: TypeNode | Extension };

type Extended<T, X> = T extends null
  ? null
  : T extends readonly (infer Item)[]
    ? Extended<Item, X>[]
    : { [K in keyof T]: K extends keyof X ? Extended<T[K], X[K]> : T[K] } & AddedDecoded<X>;
type ExtendedEncodable<T, X> = T extends null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly ExtendedEncodable<Item, X>[]
    : {
        [K in keyof T]: K extends keyof X ? ExtendedEncodable<T[K], X[K]> : T[K];
      } & AddedEncodable<X>;
type Added<X> = { [K in keyof X as X[K] extends TypedFields[string] ? K : never]: X[K] };
type AddedDecoded<X> = DecodedFields<Added<X>>;
type AddedEncodable<X> = EncodableFields<Added<X>>;

/** The message with more tagged fields: still readable by who knows only the original. */
export function extend<D, E, const X extends Extension>(
  message: Message<D, E>,
  extension: X,
): Message<Extended<D, X>, ExtendedEncodable<E, X>> {
  return { ...message, fields: extendFields(message.fields, extension), codecs: [] };
}

function extendFields(fields: Fields, extension: Extension): Fields {
  const extended: Record<string, TypeNode> = { ...fields };
  for (const [name, addition] of Object.entries(extension)) {
    const present = fields[name];
    if (isNode(addition)) {
      if (present !== undefined) throw new RangeError(`field ${name} exists`);
      if (addition.tag === undefined || addition.tag < firstExtensionTag) {
        throw new RangeError(`field ${name} needs a tag from ${firstExtensionTag} on`);
      }
      extended[name] = addition;
    } else {
      if (present === undefined) throw new RangeError(`no field ${name} to extend`);
      extended[name] = extendNode(name, present, addition);
    }
  }
  return extended;
}

function extendNode(name: string, node: TypeNode, extension: Extension): TypeNode {
  if (node.kind === "struct") return { ...node, fields: extendFields(node.fields, extension) };
  if (node.kind === "array") return { ...node, element: extendNode(name, node.element, extension) };
  throw new RangeError(`field ${name} has no fields to extend`);
}

function isNode(value: TypeNode | Extension): value is TypeNode {
  return typeof value.kind === "string";
}
