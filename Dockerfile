# check=skip=RedundantTargetPlatform
# An image of the broker, for those who would rather have one than the stock image that fetches its code (docs/operating/deploy.md).
#   docker build --platform linux/arm64 -t myelin .
# Only the first stage runs anything, on the machine that builds: an image for another architecture needs no emulation.
FROM --platform=$BUILDPLATFORM public.ecr.aws/docker/library/node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY sdk/package.json sdk/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
ARG TARGETARCH
RUN node infra/assets/build-broker.ts /app "$(echo "$TARGETARCH" | sed 's/^amd64$/x64/')" && mkdir /data

FROM --platform=$TARGETPLATFORM public.ecr.aws/docker/library/node:24-bookworm-slim
COPY --from=build /app /app
# A volume mounted here on Fargate takes its owner from the image.
COPY --from=build --chown=node:node /data /data
VOLUME /data
USER node
EXPOSE 9092 9640
HEALTHCHECK --interval=30s --timeout=5s --start-period=300s --retries=10 CMD ["node", "/app/health.mjs"]
CMD ["node", "--max-semi-space-size=16", "/app/main.mjs"]
