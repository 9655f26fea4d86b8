# The controller's image. Any Debian 13 base will do:
#   docker build -t btc-shopflow-deployer .
#   buildah bud --build-arg BASE=registry.example.com/debian:trixie-slim -t btc-shopflow-deployer .
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update -q && \
    apt-get install -y -q --no-install-recommends ca-certificates cmake g++ gcc libc6-dev \
        libcjson-dev libcurl4-openssl-dev libssl-dev libwebsockets-dev libyaml-dev ninja-build pkg-config
WORKDIR /src
COPY . .
RUN cmake --preset release -DBUILD_TESTING=OFF -DSHOPFLOW_CLI=OFF && \
    cmake --build --preset release && \
    cmake --install build/release --prefix /out --strip --component controller

FROM ${BASE}
# No manuals, no translations; the licences stay.
RUN printf 'path-exclude=/usr/share/%s/*\n' doc info lintian locale man >/etc/dpkg/dpkg.cfg.d/slim && \
    echo 'path-include=/usr/share/doc/*/copyright' >>/etc/dpkg/dpkg.cfg.d/slim && \
    apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ca-certificates libcjson1 libcurl4t64 libssl3t64 \
        libwebsockets19t64 libyaml-0-2 tzdata && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/lib/dpkg/*-old /var/log/*
COPY --from=build /out/ /usr/
# Fails here, not in the cluster, when a shared library or the time zones are missing.
RUN btc-shopflow-deployer --version && test -e /usr/share/zoneinfo/America/New_York

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="btc-shopflow-deployer" \
      org.opencontainers.image.description="Rolls Deployments to a commit's images and back when they fail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/bin/btc-shopflow-deployer"]
