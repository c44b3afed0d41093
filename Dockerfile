# Web, workers and commands of Starforge, as a user without rights. Build: docker build -t starforge .
FROM python:3.11-slim-bookworm

# pg_dump and pg_restore for backups; as new as the server of compose.yaml.
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/starforge
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

COPY requirements.txt requirements-audiocraft.txt constraints.txt ./
RUN pip install -r requirements.txt -c constraints.txt \
 && pip install --no-deps -r requirements-audiocraft.txt

COPY . .
RUN useradd --system --uid 10001 --home-dir /data starforge \
 && install -d -o starforge -g starforge -m 0700 /data /backups

USER starforge
ENV STARFORGE_DATA=/data HOME=/data
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "daphne", "--verbosity", "0", "--no-server-name", "--bind", "0.0.0.0", "--port", "8000", "starforge_site.asgi:application"]
