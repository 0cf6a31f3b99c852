type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** Only the fields that were given: schemas infer an absent field as `undefined`, commands want it absent. */
export function given<T extends object>(fields: T): Given<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Given<T>;
}
