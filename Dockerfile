# Two images: `docker build .` without torch, `docker build --target full .` with it.
# What is installed, and how, stands in deploy/install.sh; docs/deploy.md says how to run them.
ARG BASE=python:3.11-slim

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What changes seldom comes first: a change of the program leaves the libraries' layer as it is.
COPY pyproject.toml constraints.txt ./
COPY deploy/install.sh deploy/

FROM builder AS light-builder
RUN deploy/install.sh dependencies light /opt/venv
COPY README.md LICENSE ./
COPY index index
COPY assistant assistant
COPY ui ui
RUN deploy/install.sh application /opt/venv /opt/app \
    && deploy/install.sh models light /opt/venv /opt/app /opt/models

FROM builder AS full-builder
# Without it, PyPI's build for CUDA is taken.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN deploy/install.sh dependencies full /opt/venv
COPY README.md LICENSE ./
COPY index index
COPY assistant assistant
COPY ui ui
RUN deploy/install.sh application /opt/venv /opt/app \
    && deploy/install.sh models full /opt/venv /opt/app /opt/models

FROM ${BASE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Notes Assistant" \
    org.opencontainers.image.description="Answers questions from your own Markdown notes, word for word, with links to the section" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 notes \
    && useradd --uid 10001 --gid notes --no-create-home --home-dir /tmp --shell /usr/sbin/nologin notes \
    && install --directory --owner notes --group notes --mode 700 /data
COPY corpus /notes
# The root file system may be read-only: libraries write below HOME only, the program below /data.
# ONNX Runtime would report its use to Microsoft.
ENV PATH=/opt/app/bin:/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    NOTES_HOST=0.0.0.0 \
    NOTES_PORT=7860 \
    NOTES_CORPUS=/notes \
    NOTES_DATA_DIR=/data \
    NOTES_CACHE_DIR=/opt/models
USER 10001:10001
WORKDIR /tmp
VOLUME /data
EXPOSE 7860
# As the first process of a container, Python lets SIGTERM pass until it serves; SIGINT ends it always.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m --start-interval=1s \
    CMD ["python", "-c", "import os, sys; from http.client import HTTPConnection; server = HTTPConnection('127.0.0.1', int(os.environ['NOTES_PORT']), timeout=4); server.request('GET', '/health/ready'); sys.exit(server.getresponse().status != 200)"]
CMD ["notes", "serve"]

FROM runtime AS full
# Models that are named in NOTES_MODEL or NOTES_RERANKER are fetched once, and kept with the data.
ENV HF_HOME=/data/huggingface
COPY --from=full-builder /opt/venv /opt/venv
COPY --from=full-builder /opt/models /opt/models
COPY --from=full-builder /opt/app /opt/app

FROM runtime AS light
COPY --from=light-builder /opt/venv /opt/venv
COPY --from=light-builder /opt/models /opt/models
COPY --from=light-builder /opt/app /opt/app
