# Sentinel on Node 24. Two stages: the first compiles with the development
# dependencies, the second holds only what runs. test/deploy/dockerfile.test.ts
# builds the same tree without a container engine and starts it.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# The image brings its own Node 24, so the install script of the npm package `node` is not needed.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/sentinel
COPY package.json LICENSE ./
COPY bin bin
COPY proto proto
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
# Nothing is written outside these two, so the root file system may be read-only.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/sentinel /run/sentinel
VOLUME ["/var/lib/sentinel", "/run/sentinel"]
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080
# Probes are Kubernetes' business; see deploy/kubernetes/sidecar.yaml.
HEALTHCHECK NONE
ENTRYPOINT ["node", "bin/sentinel.js"]
CMD ["run", "--config", "/etc/sentinel/sentinel.kdl"]
