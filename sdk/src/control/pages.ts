import type { HttpClient } from "./http-client.ts";

/** Every item of a paginated list, page by page; `nextOf` finds the path of the next page in one. */
export async function allPages<Page, Item>(
  http: HttpClient,
  firstPath: string,
  read: (page: Page) => { items: Item[]; nextPath: string | null },
): Promise<Item[]> {
  const items: Item[] = [];
  for (let path: string | null = firstPath; path !== null;) {
    const { items: more, nextPath }: { items: Item[]; nextPath: string | null } = read(
      await http.send<Page>({ method: "GET", path }),
    );
    items.push(...more);
    path = nextPath;
  }
  return items;
}
