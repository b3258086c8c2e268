# Nexxi as an image: `docker build --build-arg TORCH_INDEX=URL --tag nexxi .`
# It holds no model and no secret; `nexxi serve --print-config compose` or `k8s` shows how it is run.

ARG DEBIAN=bookworm-slim

FROM debian:${DEBIAN} AS builder
# PyTorch's index of builds for the CPU, or for the CUDA that the driver takes; empty for pip's own, whose builds are for
# the CPU or for CUDA as the platform has it: https://pytorch.org/get-started/locally tells the addresses
ARG TORCH_INDEX=
# hadolint ignore=DL3008 # Debian keeps one version of a package for each release, and takes the old one away
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/nexxi
ENV PATH=/opt/nexxi/bin:$PATH
WORKDIR /src
# hadolint ignore=DL3013 # a range, as everywhere; alone, as its layer is large and stays the same when sources change
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} 'torch>=2.13,<2.14'
COPY LICENSE README.md pyproject.toml ./
COPY nexxi_cli nexxi_cli
# hadolint ignore=DL3013 # these sources, and what their pyproject.toml asks for
RUN pip install --no-cache-dir '.[postgres,sentencepiece]'

FROM debian:${DEBIAN} AS runtime
# hadolint ignore=DL3008 # as above
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 nexxi \
    && useradd --uid 10001 --gid nexxi --home-dir /var/lib/nexxi --create-home --shell /usr/sbin/nologin nexxi \
    && chmod 0700 /var/lib/nexxi
COPY --from=builder /opt/nexxi /opt/nexxi
# All that it writes lies below HOME (models, sessions, the archive's outbox) or in /tmp: the rest may be read-only.
ENV PATH=/opt/nexxi/bin:$PATH \
    HOME=/var/lib/nexxi \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    NEXXI_HOST=0.0.0.0 \
    NEXXI_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/nexxi
VOLUME ["/var/lib/nexxi"]
EXPOSE 8000
# SIGTERM begins a drain of NEXXI_GRACE_S seconds: stop the container 10 s later than that, or it is killed in the middle
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('NEXXI_PORT') or 8000}/ready\", timeout=5)"]
# PID 1 gets no signal that it has no handler for, and Python has none while it imports: tini is PID 1 instead.
ENTRYPOINT ["tini", "--", "nexxi"]
CMD ["serve"]

ARG DEBIAN
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="nexxi" \
      org.opencontainers.image.description="A chat API with a local language model or in front of a model server" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="debian:${DEBIAN}"
