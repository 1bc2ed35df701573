"""Parcels: found, scanned, exported, followed live."""

import asyncio
import csv
import io
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone
from moto.server import ThreadedMotoServer
from rest_framework.authtoken.models import Token

from apps.common.jobs import ABANDONED_AFTER, JobState
from apps.cron_tasks.tasks import recover_lost_work
from apps.parcels.exports import cell
from apps.parcels.models import Parcel, ParcelExport
from apps.parcels.tasks import export_parcels
from apps.tenant_manager.models import Membership
from tests.unit.django.clients import PARCEL, make_client
from tests.unit.django.websocket import WebSocket

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def store():
    """An S3 server in memory; gives its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def documents(store, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    settings.LABEL_STORE_URL = store


def make(tenant, number=1, **values) -> list[Parcel]:
    return Parcel.objects.bulk_create(Parcel(tenant=tenant, **{**PARCEL, **values}) for _ in range(number))


# The list


def test_a_search_takes_each_word_from_reference_recipient_or_destination(acme):
    [wanted] = make(acme.tenant, recipient="Ada Lovelace", destination="Leeds")
    make(acme.tenant, recipient="Ada Byron", destination="London")

    def found(search: str) -> list[str]:
        answer = acme.get("/api/parcels/", {"search": search})
        return [parcel["reference"] for parcel in answer.json()["results"]]

    assert found("ada leeds") == found(f"lovelace {wanted.reference[3:]}") == [wanted.reference]
    assert len(found("ada")) == 2
    assert found("' OR 1=1 --") == found("%") == []


def test_filters(acme):
    make(acme.tenant, status="delivered", weight_grams=10)
    make(acme.tenant, status="exception", carrier="contoso", weight_grams=30)
    make(acme.tenant, weight_grams=20)

    def weights(**parameters) -> list[int]:
        return [parcel["weight_grams"] for parcel in acme.get("/api/parcels/", parameters).json()["results"]]

    assert sorted(weights(status=["delivered", "exception"])) == [10, 30]
    assert weights(carrier="contoso") == [30]
    assert weights(ordering="weight_grams") == [10, 20, 30]
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert weights(created_after=tomorrow) == [] and len(weights(created_before=tomorrow)) == 3
    for wrong in ({"status": "eaten"}, {"created_after": "soon"}, {"ordering": "tenant__name"}):
        assert acme.get("/api/parcels/", wrong).status_code == 400


def test_a_change_is_audited_without_the_recipients_name(acme, parcel):
    answer = acme.patch(f"/api/parcels/{parcel.reference}/", {"recipient": "Grace", "status": "delivered"})
    assert (answer.json()["recipient"], answer.json()["status"]) == ("Grace", "created")
    [event] = acme.tenant.audit_events.filter(action="parcel.changed")
    assert (event.object_id, event.user, event.details) == (str(parcel.pk), acme.user, {"fields": ["recipient"]})


# Scans


def test_scans_are_listed_in_pages_with_the_same_queries_however_many(acme, parcel, django_assert_num_queries):
    for number in range(60):
        parcel.record_scan(f"Hub {number}", "in_transit")
    with django_assert_num_queries(5):  # token, tenant, parcel, count, page
        page = acme.get(f"/api/parcels/{parcel.reference}/scans/").json()
    assert (page["count"], page["results"][0]["location"], len(page["results"])) == (60, "Hub 0", 50)


# Exports


def test_an_export_holds_what_the_list_shows(acme, globex, documents):
    [delivered] = make(acme.tenant, status="delivered", recipient="=cmd()", destination="Straße, 1\nLeeds")
    delivered.record_scan("Hub", "in_transit")
    delivered.record_scan("Door", "delivered")
    make(acme.tenant)
    make(globex.tenant, status="delivered", destination="Leeds")
    asked = acme.post("/api/parcels/exports/", {"query": "status=delivered&search=leeds"})
    assert asked.status_code == 202
    export = acme.get(f"/api/parcels/exports/{asked.json()['id']}/").json()
    assert (export["state"], export["progress"], export["rows"]) == ("done", 100, 1)
    file = acme.get(f"/api/parcels/exports/{export['id']}/download/")
    assert file["Content-Type"] == "text/csv; charset=utf-8" and "attachment" in file["Content-Disposition"]
    [row] = csv.DictReader(io.StringIO(file.content.decode()))
    assert (row["reference"], row["recipient"], row["destination"], row["last_location"]) == (
        delivered.reference,
        "'=cmd()",  # a spreadsheet would run it
        "Straße, 1\nLeeds",
        "Door",
    )
    [event] = acme.tenant.audit_events.filter(action="parcels.exported")
    assert event.details == {"filters": ["search", "status"]}


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(value):
    assert cell(value) == f"'{value}"


def test_an_export_is_its_tenants(acme, globex, documents):
    export = acme.post("/api/parcels/exports/", {}).json()
    for path in ("", "download/"):
        assert globex.get(f"/api/parcels/exports/{export['id']}/{path}").status_code == 404
    assert globex.get("/api/parcels/exports/").json()["count"] == 0
    assert acme.get("/api/parcels/exports/").json()["count"] == 1


@pytest.mark.parametrize("query", ["status=eaten", "tenant=globex", "created_after=soon", "page=2"])
def test_an_export_that_the_list_could_not_show_is_refused(acme, query):
    assert acme.post("/api/parcels/exports/", {"query": query}).status_code == 400
    assert not ParcelExport.objects.exists()


def test_an_export_of_too_many_parcels_is_refused_in_words(acme, monkeypatch):
    monkeypatch.setattr("apps.parcels.exports.MAX_ROWS", 2)
    make(acme.tenant, 3)
    answer = acme.post("/api/parcels/exports/", {})
    assert answer.status_code == 400 and "narrow it" in answer.json()["query"]


def test_an_export_tells_of_its_progress_in_steps(acme, documents, monkeypatch):
    monkeypatch.setattr("apps.parcels.exports.CHUNK", 2)
    make(acme.tenant, 7)
    seen = []
    monkeypatch.setattr(ParcelExport, "advance", lambda self, done, total: seen.append((done, total)))
    acme.post("/api/parcels/exports/", {})
    assert seen == [(2, 7), (4, 7), (6, 7), (7, 7)]


def test_an_export_is_made_once_however_often_its_task_comes(acme, documents, django_assert_num_queries):
    export = ParcelExport.objects.create(tenant=acme.tenant)
    export_parcels(export.pk)
    with django_assert_num_queries(2):  # the export, the claim
        export_parcels(export.pk)


def test_an_export_that_fails_says_so(acme, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    settings.LABEL_STORE_URL = "http://127.0.0.1:9"
    export = acme.post("/api/parcels/exports/", {}).json()
    assert export["state"] == "failed" and "ask again" in export["error"]
    assert acme.get(f"/api/parcels/exports/{export['id']}/download/").status_code == 404


def test_an_export_whose_worker_was_killed_is_given_up(acme):
    lost = ParcelExport.objects.create(tenant=acme.tenant, state=JobState.RUNNING)
    ParcelExport.objects.update(updated_at=timezone.now() - ABANDONED_AFTER - timedelta(minutes=1))
    running = ParcelExport.objects.create(tenant=acme.tenant, state=JobState.RUNNING)
    assert recover_lost_work() == 1
    lost.refresh_from_db()
    running.refresh_from_db()
    assert (lost.state, running.state) == (JobState.FAILED, JobState.RUNNING)


def test_exports_are_listed_by_the_same_queries_however_many(acme, django_assert_num_queries):
    ParcelExport.objects.bulk_create(ParcelExport(tenant=acme.tenant, requested_by=acme.user) for _ in range(60))
    with django_assert_num_queries(4):  # token, tenant, count, page
        assert len(acme.get("/api/parcels/exports/").json()["results"]) == 50


# Live status


@pytest.fixture
def live(transactional_db):
    """Two tenants with a parcel each, as WebSockets see them: their connections are other threads'."""
    clients = {"acme": make_client("acme", "ann"), "globex": make_client("globex", "bob")}
    for client in clients.values():
        client.token = Token.objects.get(user=client.user)
        client.parcel = Parcel.objects.create(tenant=client.tenant, **PARCEL)
    return clients


def connect(token="", tenant="acme", path="", headers=None) -> WebSocket:
    protocols = ("parcels.v1", f"token.{token}") if token else ()
    query = f"?tenant={tenant}" if tenant else ""
    return WebSocket(f"/ws/parcels/{path}{query}", headers, protocols)


@sync_to_async
def scan(client, status="in_transit"):
    return client.post(f"/api/parcels/{client.parcel.reference}/scans/", {"location": "Hub", "status": status})


@pytest.mark.asyncio
async def test_followers_of_a_tenant_and_of_a_parcel_are_sent_its_scans(live):
    acme = live["acme"]
    everything, one = connect(acme.token), connect(acme.token, path=f"{acme.parcel.reference}/")
    for socket in (everything, one):
        assert await socket.open() == {"type": "websocket.accept", "subprotocol": "parcels.v1"}
    assert (await one.receive())["status"] == "created"
    assert (await scan(acme)).status_code == 201
    for socket in (everything, one):
        event = await socket.receive()
        assert event == {
            "type": "status",
            "reference": acme.parcel.reference,
            "status": "in_transit",
            "location": "Hub",
            "at": event["at"],
        }
        await socket.leave()


@pytest.mark.asyncio
async def test_nobody_is_sent_another_tenants_scans(live):
    socket = connect(live["acme"].token)
    await socket.open()
    await scan(live["globex"])
    assert await socket.receive_nothing(0.2)
    await socket.leave()


@pytest.mark.asyncio
async def test_a_socket_is_refused_to_all_others(live):
    acme, globex = live["acme"], live["globex"]
    refused = [
        connect(),  # no token
        connect("0" * 40),
        connect(acme.token, tenant="globex"),
        connect(acme.token, tenant=""),
        connect(acme.token, tenant="%00"),
        connect(acme.token, path=f"{globex.parcel.reference}/"),
        connect(acme.token, path="PT-NONE/"),
        connect(acme.token, path="of/nothing/"),
        connect(headers={"authorization": f"Bearer {acme.token}"}),
        connect(headers={"cookie": "sessionid=x"}),
    ]
    for socket in refused:
        assert await socket.open() == {"type": "websocket.close"}
        await socket.leave()
    acme.user.is_active = False
    await acme.user.asave()
    socket = connect(acme.token)
    assert await socket.open() == {"type": "websocket.close"}
    await socket.leave()


@pytest.mark.asyncio
async def test_a_program_may_send_the_apis_headers(live):
    acme = live["acme"]
    socket = connect(tenant="", headers={"authorization": f"Token {acme.token}", "x-tenant": "acme"})
    assert await socket.open() == {"type": "websocket.accept", "subprotocol": None}
    await socket.leave()
    socket = connect(acme.token, tenant="", headers={"host": "acme.parcels.test:8080"})
    assert (await socket.open())["type"] == "websocket.accept"
    await socket.leave()


@pytest.mark.asyncio
@pytest.mark.parametrize("lost", ["token", "membership"])
async def test_who_loses_access_is_sent_away(live, settings, lost):
    settings.LIVE_HEARTBEAT = 0.05
    acme = live["acme"]
    socket = connect(acme.token)
    await socket.open()
    assert await socket.receive() == {"type": "heartbeat"}
    if lost == "token":
        await Token.objects.filter(user=acme.user).adelete()
    else:
        await Membership.objects.filter(user=acme.user).adelete()
    async with asyncio.timeout(5):
        while (message := await socket.receive_output())["type"] == "websocket.send":
            pass
    assert (message["type"], message["code"]) == ("websocket.close", 4403)
    await socket.leave()


@pytest.mark.asyncio
async def test_what_a_client_sends_closes_its_socket(live):
    socket = connect(live["acme"].token)
    await socket.open()
    await socket.send("{")
    assert (await socket.receive_output())["code"] == 1003
    await socket.leave()


@pytest.mark.asyncio
async def test_sockets_log_their_context_and_never_their_token(live, configure_logging):
    root = configure_logging()
    acme = live["acme"]
    request_id = "0123456789abcdef0123456789abcdef"
    socket = connect(acme.token, headers={"x-request-id": request_id})
    await socket.open()
    await socket.leave()
    socket = connect(acme.token, tenant="globex")
    await socket.open()
    await socket.leave()
    text = (root / "django/app.log").read_text()
    lines = [line for line in text.splitlines() if "|apps.parcels.consumers|" in line]
    opened, closed, refused = lines
    for line in (opened, closed):
        assert f'"request_id": "{request_id}"' in line and f'"user_id": {acme.user.pk}' in line
        assert '"tenant": "acme"' in line and '"path": "/ws/parcels/"' in line
    assert '"duration_ms": ' in closed
    assert refused.startswith("WARNING|") and '"tenant"' not in refused
    assert str(acme.token) not in text


def test_a_scan_stands_when_nobody_can_be_told(acme, parcel, settings, django_capture_on_commit_callbacks, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:9"]}}
    }
    assert type(get_channel_layer()).__name__ == "RedisChannelLayer"
    with django_capture_on_commit_callbacks(execute=True):
        answer = acme.post(f"/api/parcels/{parcel.reference}/scans/", {"location": "Hub", "status": "in_transit"})
    assert answer.status_code == 201
    assert "not sent to its followers" in caplog.text
