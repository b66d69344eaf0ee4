# One container, one process, everything that must survive in /data.
FROM python:3.11-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir uv && uv venv /venv
COPY requirements.lock requirements-runtime.lock pyproject.toml README.md LICENSE main.py ./
COPY algomirror algomirror
COPY pages pages
COPY migrations migrations
RUN uv pip install --python /venv/bin/python --require-hashes -r requirements-runtime.lock

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 trader && mkdir /data && chown trader /data
COPY --from=build /venv /venv
COPY --from=build /src /app
USER trader
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 ALGOMIRROR_DATA_DIR=/data ALGOMIRROR_HOST=0.0.0.0 \
    NICEGUI_STORAGE_PATH=/data/.nicegui NUMBA_CACHE_DIR=/data/.numba
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["python", "main.py", "--no-browser"]
