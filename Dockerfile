# The bot alone, for deployment; the playground and the tests stay out. Builds on amd64 and arm64.
FROM python:3.12-slim AS build
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --python /usr/local/bin/python3.12

FROM python:3.12-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin bot \
    && install --directory --owner=bot --group=bot --mode=0750 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY pyproject.toml ./
COPY migrations migrations
COPY bot bot
COPY cogs cogs
# The private listener (ADMIN_PORT) stays on the container's own loopback unless you open it: /metrics is not for the public.
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data HTTP_HOST=0.0.0.0 HTTP_PORT=8080 ADMIN_HOST=127.0.0.1 ADMIN_PORT=8081
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['HTTP_PORT'] + '/healthz', timeout=4)"]
CMD ["python", "-m", "bot", "run"]
