/**
 * A token for the HTTP API, if the environment has one. There is no option for it, because lists of processes show those to everybody, and no place in
 * a settings file, which ends up in a repository.
 */
export function tokenOf(environment: Readonly<Record<string, string | undefined>>): string | null {
  return environment["MYELIN_TOKEN"]?.trim() || null;
}
