# The gateway's image. `docker build -t pithos:1 .`, then `docker run pithos:1` serves and `docker run pithos:1 bootstrap`
# installs the schema. The configuration inside (k8s/pithos.default.yaml) has the published example keys: mount your own over
# /etc/pithos/pithos.yaml, or set the variables it names.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    PITHOS_CONFIGURATION=/etc/pithos/pithos.yaml
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY schema ./schema
COPY k8s/pithos.default.yaml /etc/pithos/pithos.yaml
# For a configuration with the embedded store: `data-dir: /var/lib/pithos` on a volume. 1000 is the image's user node; the
# number lets Kubernetes see that it is not root.
RUN mkdir /var/lib/pithos && chown 1000:1000 /var/lib/pithos
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["node", "-e", "require('node:net').connect(8080, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "dist/server"]
CMD ["api-run"]
