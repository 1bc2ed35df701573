"""The Docker runtime: the stack in containers, by `docker compose` (docker-compose.yml and docker-compose.elk.yml)."""
