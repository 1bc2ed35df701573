"""The part of Kibana that elk/setup speaks to: its status, and the import of saved objects.

Its settings are those of kibana.yml and of the environment, as in the official image; it is available once
Elasticsearch takes kibana_system's password. Requests are authenticated by Elasticsearch. Imported objects are kept in
data/objects.json.
"""

import json
import os
import re
import ssl
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

HOME = Path("/usr/share/kibana")
OBJECTS = HOME / "data" / "objects.json"
# Names in the environment that the official image takes for settings, as far as elk/ uses them.
ENVIRONMENT = (
    "elasticsearch.hosts",
    "elasticsearch.ssl.certificateAuthorities",
    "elasticsearch.ssl.verificationMode",
    "server.ssl.enabled",
    "server.ssl.certificate",
    "server.ssl.key",
)
KEYS = ("xpack.security.encryptionKey", "xpack.encryptedSavedObjects.encryptionKey", "xpack.reporting.encryptionKey")


def read_settings() -> dict:
    """Kibana's own rule: each ${NAME} has a value, or it does not start."""

    def value(found: re.Match) -> str:
        if found[1] not in os.environ:
            raise SystemExit(f"Unknown environment variable referenced in config : {found[1]}")
        return os.environ[found[1]]

    lines = [line for line in (HOME / "config" / "kibana.yml").read_text().splitlines() if not line.startswith("#")]
    settings = yaml.safe_load(re.sub(r"\$\{(\w+)\}", value, "\n".join(lines)))
    for name in ENVIRONMENT:
        if given := os.environ.get(name.replace(".", "_").upper()):
            settings[name] = given
    for name in KEYS:
        if len(settings[name]) < 32:
            raise SystemExit(
                f"{name}: value has length [{len(settings[name])}] but it must have a minimum length of [32]."
            )
    return settings


class Kibana:
    def __init__(self, settings: dict) -> None:
        self.settings = settings
        hosts = settings["elasticsearch.hosts"]
        self.elasticsearch = hosts[0] if isinstance(hosts, list) else hosts
        authority = settings.get("elasticsearch.ssl.certificateAuthorities")
        self.context = ssl.create_default_context(cafile=authority) if authority else True
        self.kept = json.loads(OBJECTS.read_text()) if OBJECTS.exists() else {}

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/status", self.status)
        application.router.add_post("/api/saved_objects/_import", self.take)
        application.router.add_get("/api/saved_objects/_find", self.find)
        return application

    async def who(self, headers: dict) -> tuple[int, dict]:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.context)) as client,
            client.get(f"{self.elasticsearch}/_security/_authenticate", headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def status(self, _request: web.Request) -> web.Response:
        user, password = (self.settings[f"elasticsearch.{name}"] for name in ("username", "password"))
        try:
            status, _ = await self.who({"Authorization": aiohttp.BasicAuth(user, password).encode()})
        except aiohttp.ClientError:
            status = 503
        level = "available" if status == 200 else "unavailable"
        body = json.dumps({"status": {"overall": {"level": level}}}, separators=(",", ":"))
        return web.Response(text=body, content_type="application/json", status=200 if status == 200 else 503)

    async def authorize(self, request: web.Request) -> None:
        status, body = await self.who({"Authorization": request.headers.get("Authorization", "")})
        if status != 200:
            raise web.HTTPUnauthorized(text=json.dumps({"statusCode": 401, "message": "Unauthorized"}))
        if "superuser" not in body["roles"]:
            raise web.HTTPForbidden(text=json.dumps({"statusCode": 403, "message": "Forbidden"}))

    async def take(self, request: web.Request) -> web.Response:
        if "kbn-xsrf" not in request.headers:
            raise web.HTTPBadRequest(text=json.dumps({"message": "Request must contain a kbn-xsrf header."}))
        await self.authorize(request)
        part = await (await request.multipart()).next()
        objects = [json.loads(line) for line in (await part.text()).splitlines()]
        overwrite = request.query.get("overwrite") == "true"
        known = self.kept.keys() | {key(body) for body in objects}
        errors = []
        for body in objects:
            missing = [r for r in body["references"] if f"{r['type']}:{r['id']}" not in known]
            if missing:
                error = {"type": "missing_references", "references": missing}
            elif key(body) in self.kept and not overwrite:
                error = {"type": "conflict"}
            else:
                continue
            errors.append({"type": body["type"], "id": body["id"], "error": error})
        if errors:
            return web.json_response({"success": False, "successCount": 0, "errors": errors})
        self.kept |= {key(body): body for body in objects}
        OBJECTS.write_text(json.dumps(self.kept, indent=1))
        return web.json_response({"success": True, "successCount": len(objects)})

    async def find(self, request: web.Request) -> web.Response:
        await self.authorize(request)
        found = [body for body in self.kept.values() if body["type"] == request.query["type"]]
        return web.json_response({"total": len(found), "saved_objects": found})


def key(body: dict) -> str:
    return f"{body['type']}:{body['id']}"


def main() -> None:
    settings = read_settings()
    context = None
    if str(settings.get("server.ssl.enabled", "false")).lower() == "true":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["server.ssl.certificate"], settings["server.ssl.key"])
    web.run_app(Kibana(settings).application(), host=settings["server.host"], port=5601, ssl_context=context)


if __name__ == "__main__":
    main()
