import manifest from "../../package.json" with { type: "json" };

/** Of the software: read from the repository, or part of the bundle. */
export const { version } = manifest;
