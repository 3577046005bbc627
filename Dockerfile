# hookd in a container:
#
#     docker build -t hookd .
#     docker run --read-only -p 8080:8080 -v hookd-state:/var/lib/hookd -v ./config.json:/etc/hookd/config.json:ro hookd
#
# The configuration must listen on 0.0.0.0:8080 there: docs/operating.md has the rest. podman keeps the health check
# with --format docker only. Any images with Swift and of Debian 12 will do: --build-arg BUILDER=… --build-arg RUNTIME=…

ARG BUILDER=swift:6.3-bookworm
ARG RUNTIME=debian:bookworm-slim

FROM ${BUILDER} AS builder
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libssl-dev libsystemd-dev libsqlite3-dev libcurl4-openssl-dev libsimdjson-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# What is needed comes first, so that a change of our own source does not fetch it again.
COPY Package.* ./
RUN swift package resolve
COPY CSSL CSSL
COPY Sources Sources
COPY Benchmarks Benchmarks
COPY Fuzz Fuzz
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib -Xlinker -s --product hookd \
    && install -D -m 0755 "$(swift build -c release --static-swift-stdlib --show-bin-path)/hookd" /out/usr/bin/hookd \
    && install -d -m 0700 -o 65532 -g 65532 /out/var/lib/hookd

FROM ${RUNTIME}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="hookd" \
    org.opencontainers.image.description="Receives Sinch callbacks, stores them before it answers, and hands them on" \
    org.opencontainers.image.version="${VERSION}"
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libsimdjson14 libsqlite3-0 libssl3 libsystemd0 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=builder /out/ /
# Fails here, and not at the first start, where a library is missing or the version is another.
RUN test "$(hookd --version)" = "${VERSION}"
USER 65532:65532
ENV STATE_DIRECTORY=/var/lib/hookd
VOLUME /var/lib/hookd
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether a callback would be stored now. A sink that fails is no reason to start hookd again.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["hookd", "health"]
ENTRYPOINT ["hookd"]
CMD ["serve", "--config", "/etc/hookd/config.json"]
