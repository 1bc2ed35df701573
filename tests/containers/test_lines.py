"""The matrix of the native runtime's tests, against the containers; and the log of the front end's build."""

from tests.integration.test_lines import *  # noqa: F403
from tests.integration.test_lines import documents_of, records


def test_what_the_build_of_the_front_end_told(stack, visited):
    documents = documents_of(stack, "react/build.log")
    assert sorted(d["message"] for d in documents) == sorted(records(stack, "react/build.log"))
    assert {(d["service"], d["logger_name"], d["app_module"]) for d in documents} == {
        ("react", "react.build", "frontend")
    }
    assert any("built in" in d["log_message"] for d in documents)
