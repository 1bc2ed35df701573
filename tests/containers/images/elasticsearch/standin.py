"""The official image's outside, around the distribution of the native runtime: what that lacks is answered here.

Elasticsearch itself listens on loopback; in front of it stands a proxy that passes everything on but

    /_security/role/*, /_security/user/*     into the file realm, which Elasticsearch reads again
    /_security/_authenticate                 elastic is of the realm `reserved`
    /_ilm/policy/*                           kept, not carried out
    /_component_template/pt-lifecycle        accepted, not handed on

As in the official image: names with dots are settings, ELASTIC_PASSWORD is elastic's as long as the API gave no other,
users and roles are kept with the data. With TLS both the proxy and Elasticsearch use the certificates of the settings.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
from pathlib import Path

import aiohttp
from aiohttp import web

HOME = Path("/usr/share/elasticsearch")
CONFIG = HOME / "config"
KEPT = HOME / "data" / "standin.json"
PORT = 9201
SETTING = re.compile(r"[a-z0-9_]+\.[a-z0-9_.]+")
# Settings of modules that the distribution does not have.
UNKNOWN_SETTINGS = ("ingest.",)
LOG4J2 = """
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "host"}


class Realm:
    """The file realm, and what the API was asked to keep."""

    def __init__(self) -> None:
        self.kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"users": {}, "roles": {}, "policies": {}}
        self.write()

    def put_user(self, name: str, password: str, roles: list[str]) -> None:
        self.kept["users"][name] = {"hash": pbkdf2(password), "roles": roles}
        self.write()

    def put(self, kind: str, name: str, body: dict) -> None:
        self.kept[kind][name] = body
        self.write()

    def write(self) -> None:
        KEPT.write_text(json.dumps(self.kept, indent=1))
        users = {"elastic": {"hash": pbkdf2(os.environ["ELASTIC_PASSWORD"]), "roles": ["superuser"]}}
        users |= self.kept["users"]
        roles: dict[str, list[str]] = {}
        for name, user in users.items():
            for role in user["roles"]:
                roles.setdefault(role, []).append(name)
        definitions = (f"{name}: {json.dumps(role)}\n" for name, role in self.kept["roles"].items())
        (CONFIG / "roles.yml").write_text("".join(definitions))
        (CONFIG / "users").write_text("".join(f"{name}:{user['hash']}\n" for name, user in users.items()))
        (CONFIG / "users_roles").write_text("".join(f"{role}:{','.join(names)}\n" for role, names in roles.items()))


def pbkdf2(password: str) -> str:
    salt = os.urandom(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, dklen=32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def start_elasticsearch() -> subprocess.Popen:
    options = (CONFIG / "jvm.options").read_text().splitlines()
    files = ("-Xlog:gc", "-XX:HeapDumpPath", "-XX:ErrorFile")
    (CONFIG / "jvm.options").write_text("\n".join(line for line in options if not line.startswith(files)) + "\n")
    (CONFIG / "log4j2.properties").write_text(LOG4J2)
    settings = {name: value for name, value in os.environ.items() if SETTING.fullmatch(name)}
    settings = {name: value for name, value in settings.items() if not name.startswith(UNKNOWN_SETTINGS)}
    settings |= {"xpack.security.authc.reserved_realm.enabled": "false", "resource.reload.interval.high": "200ms"}
    settings |= {"cluster.routing.allocation.disk.threshold_enabled": "false"}
    environ = {name: value for name, value in os.environ.items() if "." not in name}
    environ |= {"ELASTICSEARCH_BIND": "127.0.0.1", "ELASTICSEARCH_PORT": str(PORT)}
    command = [HOME / "bin" / "elasticsearch", *(f"-E{name}={value}" for name, value in settings.items())]
    return subprocess.Popen(command, env=environ, cwd=HOME)


class Proxy:
    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        tls = os.environ["ELASTICSEARCH_TLS"] == "true"
        self.url = f"http{'s' if tls else ''}://localhost:{PORT}"
        self.to_elasticsearch = ssl.create_default_context(cafile=CONFIG / "certs/ca.crt") if tls else True
        self.from_clients = None
        if tls:
            self.from_clients = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            names = (os.environ[f"xpack.security.http.ssl.{name}"] for name in ("certificate", "key"))
            self.from_clients.load_cert_chain(*(CONFIG / name for name in names))

    def application(self) -> web.Application:
        application = web.Application(client_max_size=200 * 2**20)
        application.router.add_put("/_security/role/{name}", self.put_role)
        application.router.add_put("/_security/user/{name}", self.put_user)
        application.router.add_post("/_security/user/{name}/_password", self.put_password)
        application.router.add_get("/_security/_authenticate", self.authenticate)
        application.router.add_put("/_ilm/policy/{name}", self.put_policy)
        application.router.add_get("/_ilm/policy/{name}", self.get_policy)
        application.router.add_put("/_component_template/pt-lifecycle", self.accept)
        application.router.add_route("*", "/{rest:.*}", self.pass_on)
        application.cleanup_ctx.append(self.session)
        return application

    async def session(self, _application):
        connector = aiohttp.TCPConnector(limit=0, ssl=self.to_elasticsearch)
        self.client = aiohttp.ClientSession(connector=connector)
        yield
        await self.client.close()

    async def pass_on(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body = await request.content.read()
        try:
            async with self.client.request(request.method, self.url + request.path_qs, headers=headers, data=body) as a:
                headers = {name: value for name, value in a.headers.items() if name.lower() not in HOP_BY_HOP}
                return web.Response(status=a.status, headers=headers, body=await a.read())
        except aiohttp.ClientError as error:
            return web.json_response({"error": f"Elasticsearch is not up: {error}", "status": 503}, status=503)

    async def who(self, authorization: str | None) -> tuple[int, dict]:
        headers = {"Authorization": authorization} if authorization else {}
        async with self.client.get(f"{self.url}/_security/_authenticate", headers=headers) as answer:
            return answer.status, await answer.json()

    async def authenticate(self, request: web.Request) -> web.Response:
        status, body = await self.who(request.headers.get("Authorization"))
        if body.get("username") == "elastic":
            body["authentication_realm"] = body["lookup_realm"] = {"name": "reserved", "type": "reserved"}
        return web.json_response(body, status=status)

    async def superuser(self, request: web.Request) -> None:
        status, body = await self.who(request.headers.get("Authorization"))
        if status != 200:
            raise web.HTTPUnauthorized(text=json.dumps(body), content_type="application/json")
        if "superuser" not in body["roles"]:
            raise web.HTTPForbidden(text=json.dumps({"error": "only for elastic", "status": 403}))

    async def put_role(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        self.realm.put("roles", request.match_info["name"], await request.json())
        return web.json_response({"role": {"created": True}})

    async def put_user(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        body = await request.json()
        return await self.change(request.match_info["name"], body["password"], body["roles"])

    async def put_password(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        name = request.match_info["name"]
        roles = {"elastic": ["superuser"]}.get(name, [name])
        return await self.change(name, (await request.json())["password"], roles)

    async def change(self, name: str, password: str, roles: list[str]) -> web.Response:
        """Answered when Elasticsearch knows it."""
        self.realm.put_user(name, password, roles)
        basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        for _ in range(100):
            status, body = await self.who(f"Basic {basic}")
            if status == 200 and body["roles"] == roles:
                return web.json_response({})
            await asyncio.sleep(0.1)
        raise web.HTTPInternalServerError(text=f"Elasticsearch does not know {name}")

    async def put_policy(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        self.realm.put("policies", request.match_info["name"], await request.json())
        return web.json_response({"acknowledged": True})

    async def get_policy(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        return web.json_response(self.realm.kept["policies"])

    async def accept(self, request: web.Request) -> web.Response:
        await self.superuser(request)
        return web.json_response({"acknowledged": True})


async def main() -> int:
    proxy = Proxy(Realm())
    elasticsearch = start_elasticsearch()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, elasticsearch.terminate)
    runner = web.AppRunner(proxy.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 9200, ssl_context=proxy.from_clients).start()  # noqa: S104
    while elasticsearch.poll() is None:
        await asyncio.sleep(0.2)
    await runner.cleanup()
    return elasticsearch.returncode


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
