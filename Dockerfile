# An image of the broker, for those who would rather have one than the stock image that fetches its code (docs/operating/deploy.md).
#   docker build --platform linux/arm64 -t myelin .
FROM --platform=$BUILDPLATFORM public.ecr.aws/docker/library/node:24-bookworm-slim AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund
RUN node infra/assets/build-broker.ts /app "$([ "$TARGETARCH" = arm64 ] && echo arm64 || echo x64)"

FROM public.ecr.aws/docker/library/node:24-bookworm-slim
COPY --from=build /app /app
RUN mkdir /data && chown node:node /data
# A volume mounted here on Fargate takes its owner from the image.
VOLUME /data
USER node
EXPOSE 9092 9640
HEALTHCHECK --interval=30s --timeout=5s --start-period=300s --retries=10 CMD ["node", "/app/health.mjs"]
CMD ["node", "--max-semi-space-size=16", "/app/main.mjs"]
