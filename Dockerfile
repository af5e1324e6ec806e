# The pages, the program, and an image with nothing but what the program needs.

FROM node:22-bookworm-slim AS pages
WORKDIR /build
COPY schema.graphql ./
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN npm --prefix web ci --no-audit --no-fund
COPY web web
RUN npm --prefix web run build

FROM rust:1-bookworm AS program
WORKDIR /build
COPY . .
COPY --from=pages /build/web/dist web/dist
# The caches stay with the builder; the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin agent-jobs && cp target/release/agent-jobs /agent-jobs \
    && mkdir /data

# glibc and certificates, no shell, and a user that is not root.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=program /agent-jobs /usr/local/bin/agent-jobs
# For a SQLite database; with PostgreSQL nothing is written here.
COPY --from=program --chown=nonroot:nonroot /data /data
WORKDIR /data
VOLUME /data
ENV AGENT_JOBS_LISTEN=0.0.0.0:8080 \
    AGENT_JOBS_METRICS_LISTEN=0.0.0.0:9090 \
    AGENT_JOBS_LOG_FORMAT=json \
    AGENT_JOBS_AUTH=tokens
EXPOSE 8080 9090
ENTRYPOINT ["/usr/local/bin/agent-jobs"]
CMD ["serve"]
