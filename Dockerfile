# The gateway's image. `docker build -t pithos:1 .`, then `docker run pithos:1` serves and `docker run pithos:1 bootstrap`
# installs the schema. The configuration inside (k8s/pithos.default.yaml) has the published example keys: mount your own over
# /etc/pithos/pithos.yaml, or set the variables it names. What is in it is listed in /app/sbom.cdx.json (CycloneDX).
#
# Pinned to a release; pin it to a digest of your registry with --build-arg NODE_IMAGE=node@sha256:... Native parts of packages come
# as prebuilt binaries for glibc, so nothing is compiled, and nothing is fetched but npm packages.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
# With --omit=dev npm's list would lack packages that development needs as well.
RUN npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx --sbom-type=application > sbom.cdx.json
# This package has its binaries for all platforms in one.
RUN find node_modules/aws-crt/dist/bin -mindepth 1 -maxdepth 1 ! -name "linux-$(node -p process.arch)-glibc" -exec rm -r {} + \
    && rm -r node_modules/aws-crt/dist.browser

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Pithos" \
    org.opencontainers.image.description="S3-compatible object store on Apache Cassandra" \
    org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    PITHOS_CONFIGURATION=/etc/pithos/pithos.yaml
# Nothing is installed at run time: what could is not there. /var/lib/pithos is for a configuration with the embedded store:
# `data-dir: /var/lib/pithos` on a volume. 1000 is the image's user node; the number lets Kubernetes see that it is not root.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* /usr/local/bin/yarn* \
    && mkdir /var/lib/pithos && chown 1000:1000 /var/lib/pithos
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/sbom.cdx.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY schema ./schema
COPY k8s/pithos.default.yaml /etc/pithos/pithos.yaml
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["node", "-e", "require('node:net').connect(8080, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "dist/server"]
CMD ["api-run"]
