# syntax=docker/dockerfile:1
# Two stages: the first installs exactly what uv.lock names, the second only carries it. Runs on amd64 and arm64.
FROM python:3.13-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app/.venv
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev
COPY bot ./bot
COPY cogs ./cogs
COPY migrations ./migrations
RUN python -m compileall -q bot cogs

FROM python:3.13-slim-bookworm
# For the chart of /usage: matplotlib's own font lacks Chinese, Japanese and Korean. This package takes 7 MB, Noto's 90.
# Of its two files the one with Korean lies where no program looks; the other has only rarer Chinese characters besides.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends fonts-droid-fallback \
 && ln -sf /usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf \
      /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 bot \
 && useradd --uid 10001 --gid bot --no-create-home --home-dir /app --shell /usr/sbin/nologin bot \
 && install --directory --owner=bot --group=bot --mode=0750 /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data
USER bot
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + (os.environ.get('HTTP_PORT') or '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
