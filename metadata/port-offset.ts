/** Port offsets are a hundred apart, so that a machine's brokers (slots) fit between two clusters. */
export const portOffsetStep = 100;
