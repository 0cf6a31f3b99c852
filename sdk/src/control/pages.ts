import type { HttpClient } from "./http-client.ts";

type PageOf<Item> = { items: Item[]; nextPath: string | null };

/** Every item of a paginated list, page by page; `read` finds the path of the next page in one. */
export async function allPages<Page, Item>(
  http: HttpClient,
  firstPath: string,
  { read, signal }: { read: (page: Page) => PageOf<Item>; signal?: AbortSignal },
): Promise<Item[]> {
  const items: Item[] = [];
  for (let path: string | null = firstPath; path !== null;) {
    const page: PageOf<Item> = read(await http.send<Page>({ method: "GET", path, signal }));
    items.push(...page.items);
    path = page.nextPath;
  }
  return items;
}

/** The page of a list in the Confluent shape. */
export function confluentPage<Item>(page: {
  data: Item[];
  metadata: { next: string | null };
}): PageOf<Item> {
  return { items: page.data, nextPath: pathWithin(page.metadata.next) };
}

/** Links are absolute; the client keeps to the address it was given, which may be a tunnel's. */
function pathWithin(link: string | null): string | null {
  if (link === null) return null;
  const url = new URL(link, "http://relative");
  return url.pathname + url.search;
}
