"""The OpenAPI document: complete, and nothing that it makes anyone send is answered with a 500."""

import pytest
import requests
import schemathesis
from django.core.cache import cache
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode

from apps.container.models import Consignment
from apps.parcels.models import Parcel
from tests.unit.django.clients import PARCEL

# Of each operation, valid and invalid ones. More find more, in proportion to the time that they take.
EXAMPLES = 10
# What stands behind carriers, labels and the search of logs does not run here.
UPSTREAM_DOWN = {502, 503, 504}

DOCUMENT = SchemaGenerator().get_schema(public=True)
OPERATIONS = {
    operation.ok().label: operation.ok() for operation in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
}


def test_the_document_is_valid_and_complete():
    validate_schema(DOCUMENT)
    assert not GENERATOR_STATS._warn_cache and not GENERATOR_STATS._error_cache
    apps = {tag for operations in DOCUMENT["paths"].values() for item in operations.values() for tag in item["tags"]}
    assert apps >= {"branded", "container", "custom_auth", "data_governance", "onboarding", "parcels", "tenant_manager"}


def test_operations_of_a_tenant_name_its_header():
    for path, tenants_own in (("/api/parcels/", True), ("/api/auth/me/", False)):
        names = {parameter["name"] for parameter in DOCUMENT["paths"][path]["get"].get("parameters", ())}
        assert ("X-Tenant" in names) is tenants_own, path


@pytest.fixture
def existing(owner) -> dict[str, str]:
    """Values of path parameters at which there is something."""
    parcel = Parcel.objects.create(tenant=owner.tenant, **PARCEL)
    consignment = Consignment.objects.create(tenant=owner.tenant, origin="Leeds", destination="London")
    consignment.parcels.add(parcel)
    return {"/api/containers/": consignment.reference, "/api/": parcel.reference}


def send(case: Case, client: APIClient) -> int:
    """The answer's status; an exception in a view comes out here, with its traceback."""
    wanted = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {name: value for name, value in wanted.headers.items() if name.lower() not in ("host", "content-length")}
    headers |= {"Authorization": client.defaults["HTTP_AUTHORIZATION"], "X-Tenant": "acme"}
    content_type = headers.pop("Content-Type", "application/json")
    body = wanted.body or b""
    return client.generic(wanted.method, wanted.path_url, body, content_type, headers=headers).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_500(label, owner, existing):
    operation = OPERATIONS[label]
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if operation.body or operation.query:  # else there is nothing to get wrong
        cases |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    token = Token.objects.get(user=owner.user)

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, at_existing=st.booleans())
    def check(case: Case, at_existing: bool) -> None:
        cache.clear()  # no throttle
        token.save()  # signing out deletes it
        if at_existing and "reference" in case.path_parameters:
            case.path_parameters["reference"] = next(
                reference for prefix, reference in existing.items() if case.path.startswith(prefix)
            )
        status = send(case, owner)
        assert status < 500 or status in UPSTREAM_DOWN

    check()
