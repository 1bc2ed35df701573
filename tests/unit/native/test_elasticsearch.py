import base64
import hashlib
import json

import yaml

from native import elasticsearch, state


def test_each_role_file_becomes_a_role(tmp_path):
    role = {"cluster": ["monitor"], "indices": [{"names": ["logs-*-acme"], "privileges": ["create_doc"]}]}
    (tmp_path / "writer.json").write_text(json.dumps(role).replace("acme", "${LOG_GROUP}"))
    (tmp_path / "reader.json").write_text(json.dumps({"indices": []}))
    assert yaml.safe_load(elasticsearch.roles_yml(tmp_path, "acme")) == {"writer": role, "reader": {"indices": []}}


def test_users_get_their_own_passwords_and_roles():
    users = {
        "elastic": {"roles": ["superuser"], "password_variable": "A"},
        "auditor": {"roles": ["reader", "superuser"], "password_variable": "B"},
    }
    lines = dict(line.split(":", 1) for line in elasticsearch.users_file(users, {"A": "one", "B": "two"}).splitlines())
    assert verify("one", lines["elastic"])
    assert verify("two", lines["auditor"])
    assert not verify("one", lines["auditor"])
    assert elasticsearch.users_roles_file(users) == "superuser:elastic,auditor\nreader:auditor\n"


def verify(password: str, stored: str) -> bool:
    prefix, salt, digest = stored.split("$")
    cost = int(prefix.removeprefix("{PBKDF2}"))
    raw = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), cost, dklen=32)
    return base64.b64decode(digest) == raw


def test_the_configuration_of_this_checkout(settings, tmp_path):
    """No password in clear, and made afresh each time."""
    distribution = tmp_path / "distribution"
    (distribution / "config").mkdir(parents=True)
    (distribution / "config" / "jvm.options").write_text("-XX:+UseG1GC\n-Xlog:gc*:file=logs/gc.log\n")
    state.prepare(settings)
    state.generate_secrets(settings)
    config = settings.run / "elasticsearch" / "config"
    for _ in range(2):
        elasticsearch.write_configuration(settings, distribution)
        assert "logstash_writer:" in (config / "users").read_text()
        assert "gc.log" not in (config / "jvm.options").read_text()
        everything = "".join(path.read_text() for path in config.iterdir() if path.is_file())
        assert not [name for name, secret in settings.secrets.items() if secret in everything]
        (config / "users").write_text("left over")
