# One image, no root at run time. Every RUN works in its own folder with relative paths, so that a test can run the
# same steps without a container engine.

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs
RUN npm prune --omit=dev

FROM node:24-slim
WORKDIR /onedoor
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY mappings mappings
COPY profiles profiles
COPY examples examples
# A cluster that an unknown uid (no passwd entry) can copy: initdb would refuse to run under it.
RUN mkdir -p data cluster && chown -R node:0 data cluster && chmod -R g+rwX data
RUN node dist/main.js init-cluster cluster && chmod -R a+rX cluster
USER node
ENV ONEDOOR_DATA_DIR=/onedoor/data ONEDOOR_CLUSTER_TEMPLATE=/onedoor/cluster
VOLUME /onedoor/data
EXPOSE 8080 2575
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
