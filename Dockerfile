# The service: `weft serve` by default, `weft worker` as another command of the same image.
FROM python:3.13-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/uv.txt \
    && python -m venv /opt/weft \
    && uv pip install --no-cache --python /opt/weft/bin/python --require-hashes --requirement requirements/main.txt
COPY pyproject.toml ./
COPY src/ src/
RUN uv pip install --no-cache --python /opt/weft/bin/python --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/weft weft
COPY --from=build /opt/weft /opt/weft
ENV PATH=/opt/weft/bin:$PATH PYTHONUNBUFFERED=1
USER weft
WORKDIR /var/lib/weft
EXPOSE 8000 9464
# The API answers on 8000; a worker answers on its metrics port alone: give it HEALTH_URL.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ.get('HEALTH_URL', 'http://127.0.0.1:8000/livez'), timeout=2)"]
ENTRYPOINT ["weft"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
