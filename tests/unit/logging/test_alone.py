"""The package can be taken as it is into another project."""

import re

import pytest

from tests.unit.logging.conftest import PACKAGE


def test_it_works_without_django_celery_the_apps_or_the_project(run_alone, written):
    done = run_alone(
        """
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "celery", "kombu", "apps", "config", "logstash_async"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Refuse())
for name in [name for name in sys.modules if name.split(".")[0] == "django"]:
    del sys.modules[name]
for service in ("django", "celery", "mine"):
    for background in (False, True):
        configure(service, background=background)
        with_context = alone.context.bind(request_id="9f0c")
        log.info("hello %s", service, extra={"password": "hunter2"})
        logging.shutdown()
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert written.files() == ["celery/celery.log", "django/app.log", "mine/mine.log"]
    for service, file in (("django", "app"), ("celery", "celery"), ("mine", "mine")):
        line = f'hello {service} {{"password": "[redacted]", "request_id": "9f0c"}}'
        assert written.messages(f"{service}/{file}.log") == [line, line]


def test_its_imports_are_its_own_or_a_librarys():
    for module in PACKAGE.glob("*.py"):
        for name in re.findall(r"^\s*(?:from|import) (\S+)", module.read_text(), re.M):
            assert name.split(".")[0] not in ("apps", "config", "django", "celery"), module


def test_no_import_of_the_logstash_handler_where_it_is_not_switched_on(run_alone):
    done = run_alone("configure(); log.info('x'); print('logstash_async' in sys.modules)")
    assert done.stdout == "False\n"


def test_switched_on_without_its_package_the_remedy_is_named(monkeypatch):
    import logging_alone.config

    monkeypatch.setattr(logging_alone.config, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install python-logstash-async"):
        logging_alone.build_logging(service="django", catalogue_path="none", logstash=("127.0.0.1", 1))


def test_what_the_readme_promises_is_there():
    import logging_alone

    readme = (PACKAGE / "README.md").read_text()
    variables = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.M))
    assert variables == set(re.findall(r"^    ([A-Z_]+)  ", logging_alone.from_environment.__doc__, re.M))
    for module in PACKAGE.glob("[a-z]*.py"):
        assert f"`{module.name}`" in readme
    assert all(name in readme for name in logging_alone.__all__)
