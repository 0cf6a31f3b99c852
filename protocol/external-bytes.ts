/**
 * Bytes that go out with a message without passing through the encoder: a range of a log that the sender copies or maps when the message is
 * written to a socket. The encoder only needs to know how many there are; whoever sends the parts knows the rest of the type.
 */
export type ExternalBytes = { readonly byteLength: number };
