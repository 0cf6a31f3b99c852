import { describe, expect, test } from "vitest";
import type { SettingSources } from "../../../../sdk/src/cli/settings.ts";
import { resolveSettings } from "../../../../sdk/src/cli/settings.ts";

function sources(given: {
  flags?: SettingSources["flags"];
  environment?: Record<string, string>;
  here?: object | string;
  user?: object;
}): SettingSources {
  const files: Record<string, string | undefined> = {
    "myelin.json": typeof given.here === "string" ? given.here : JSON.stringify(given.here),
    "/home/config.json": JSON.stringify(given.user),
  };
  return {
    flags: given.flags ?? {},
    environment: given.environment ?? {},
    files: ["myelin.json", "/home/config.json"],
    readFile: (path) => files[path] ?? null,
  };
}

test("without any word it is the local control plane, and no cluster in particular", () => {
  expect(resolveSettings(sources({}))).toMatchObject({
    url: "http://127.0.0.1:8080",
    cluster: null,
  });
});

test("an address from the working directory's file is known as that", () => {
  const here = { url: "same", profiles: { prod: { url: "prod" } } };
  const user = { url: "same" };
  const isFromHere = (given: Parameters<typeof sources>[0]) =>
    resolveSettings(sources(given)).isUrlFromHere;
  expect(isFromHere({ here, user })).toBe(true);
  expect(isFromHere({ here, flags: { profile: "prod" } })).toBe(true);
  expect(isFromHere({ here, flags: { url: "same" } })).toBe(false);
  expect(isFromHere({ here, environment: { MYELIN_URL: "same" } })).toBe(false);
  expect(isFromHere({ here: { cluster: "x" }, user })).toBe(false);
  expect(isFromHere({})).toBe(false);
});

test("flag before environment before ./myelin.json before the user's file", () => {
  const flags = { url: "flag" };
  const environment = { MYELIN_URL: "environment" };
  const here = { url: "here" };
  const user = { url: "user" };
  expect(resolveSettings(sources({ flags, environment, here, user })).url).toBe("flag");
  expect(resolveSettings(sources({ environment, here, user })).url).toBe("environment");
  expect(resolveSettings(sources({ here, user })).url).toBe("here");
  expect(resolveSettings(sources({ user })).url).toBe("user");
});

test("an empty variable is none", () => {
  expect(
    resolveSettings(sources({ environment: { MYELIN_URL: "" }, here: { url: "here" } })).url,
  ).toBe("here");
});

describe("a profile", () => {
  const user = {
    url: "base",
    cluster: "base",
    profiles: { prod: { url: "https://prod" } },
  };

  test("comes before what stands beside it, which fills what it leaves out", () => {
    expect(resolveSettings(sources({ flags: { profile: "prod" }, user }))).toMatchObject({
      url: "https://prod",
      cluster: "base",
    });
  });

  test("is chosen by MYELIN_PROFILE too", () => {
    const environment = { MYELIN_PROFILE: "prod" };
    expect(resolveSettings(sources({ environment, user })).url).toBe("https://prod");
  });

  test("that is not there is misuse, and the ones there are are named", () => {
    const missing = () => resolveSettings(sources({ flags: { profile: "test" }, user }));
    expect(missing).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(missing).toThrow(/"test".*prod/);
  });
});

test.each([
  ["{", /not JSON/],
  ["[]", /must hold a JSON object/],
  [{ url: 5 }, /url in myelin.json must be text/],
  [{ profiles: { prod: { cluster: 1 } } }, /profiles\.prod\.cluster/],
  [{ profiles: { prod: { token: "x" } } }, /profiles\.prod\.token .* set MYELIN_TOKEN/],
])("a settings file of %j is misuse that names the file", (here, message) => {
  expect(() => resolveSettings(sources({ here }))).toThrow(message);
});
