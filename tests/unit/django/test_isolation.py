"""Tenants never see or change each other's data: every operation of the API tries, at every object of another tenant.

New models and new operations are tried without a word here: models are asked of Django, operations of the OpenAPI
document.
"""

import itertools
import re
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import models
from django.forms.models import model_to_dict
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from apps.tenant_manager.models import Membership, Role, Tenant
from tests.unit.django.clients import make_client

pytestmark = pytest.mark.django_db
MARK = "Zanzibar"  # in every text of the other tenant's objects
OPERATIONS = {
    (method.upper(), path): {parameter["name"] for parameter in operation.get("parameters", ())}
    for path, operations in SchemaGenerator().get_schema(public=True)["paths"].items()
    for method, operation in operations.items()
}
PUBLIC = re.compile("/api/(branded/track|onboarding|auth|logs/client)/")


def owned_models() -> list[type[models.Model]]:
    """Models whose rows belong to a tenant or to something of a tenant's, those that others refer to first."""
    owned: list[type[models.Model]] = []
    while found := [
        model
        for model in apps.get_models()
        if model not in owned and any(f.related_model in (Tenant, *owned) for f in model._meta.fields)
    ]:
        owned += found
    return owned


def filled(model: type[models.Model], made: dict[type, models.Model]) -> models.Model:
    """A row of `model`, saved, whose texts are the mark and whose relations are to what was `made`."""
    values: dict[str, Any] = {}
    for field in model._meta.fields:
        if field.related_model in made:
            values[field.name] = made[field.related_model]
        elif (field.has_default() and not isinstance(field, models.JSONField)) or field.null or field.choices:
            continue
        elif field.is_relation:
            values[field.name] = field.related_model.objects.first()  # what all tenants share
        elif isinstance(field, models.EmailField):
            values[field.name] = f"{MARK}@example.org"
        elif isinstance(field, models.CharField | models.TextField):
            values[field.name] = MARK[: field.max_length]
        elif isinstance(field, models.JSONField):
            values[field.name] = {"place": MARK}
        elif isinstance(field, models.DateField) and not (field.auto_now or field.auto_now_add):
            values[field.name] = timezone.now() if isinstance(field, models.DateTimeField) else timezone.now().date()
        elif isinstance(field, models.IntegerField | models.DecimalField) and not field.primary_key:
            values[field.name] = 7
    return model.objects.create(**values)


def snapshot(rows: list[models.Model]) -> list[dict[str, Any]]:
    return [model_to_dict(type(row).objects.get(pk=row.pk), fields=[f.name for f in row._meta.fields]) for row in rows]


@pytest.fixture
def victims() -> list[models.Model]:
    """One row of each model, of the tenant acme."""
    victim = make_client("acme", "ann", Role.OWNER)
    made: dict[type, models.Model] = {Tenant: victim.tenant, type(victim.user): victim.user}
    for model in owned_models():
        made[model] = filled(model, made) if model is not Membership else Membership.objects.get()
    return [row for model, row in made.items()]


@pytest.fixture
def attacker(victims) -> APIClient:
    """An owner of another tenant, who may do there whatever anyone may."""
    return make_client("globex", "mallory", Role.OWNER)


def paths(template: str, victims: list[models.Model]) -> list[str]:
    """The template with each of the victims' primary keys and references in its parameters."""
    known = {str(row.pk) for row in victims} | {str(getattr(row, "reference", "")) for row in victims} - {""}
    names = re.findall(r"{(\w+)}", template)
    return [
        re.sub(r"{(\w+)}", lambda match: chosen[match[1]], template)  # noqa: B023 - used at once
        for chosen in (
            dict(zip(names, values, strict=True)) for values in itertools.product(sorted(known), repeat=len(names))
        )
    ]


def test_there_is_something_to_attack(victims):
    names = {type(row).__name__ for row in victims}
    assert names >= {"Parcel", "Consignment", "Notice", "AuditEvent", "Brand", "Membership", "Scan"}
    assert any("{" in path for _, path in OPERATIONS)


@pytest.mark.parametrize(("method", "template"), [o for o in OPERATIONS if not PUBLIC.match(o[1])])
def test_no_operation_reaches_another_tenants_objects(method, template, victims, attacker):
    before = snapshot(victims)
    body = {"name": "mine", "location": "mine", "status": "delivered", "recipient": MARK, "references": []}
    body["references"] = [row.reference for row in victims if hasattr(row, "reference")]
    for path in paths(template, victims):
        cache.clear()
        answer = attacker.generic(method, path) if method == "GET" else getattr(attacker, method.lower())(path, body)
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        # What the attacker sent may come back, in an object of the attacker's own.
        if answer.status_code != 201:
            assert MARK not in text.decode(errors="replace"), path
    assert snapshot(victims) == before


@pytest.mark.parametrize(("method", "template"), [o for o, names in OPERATIONS.items() if "X-Tenant" in names])
def test_no_operation_serves_a_tenant_that_the_user_is_not_a_member_of(method, template, victims, attacker):
    before = snapshot(victims)
    for path in paths(template, victims):
        cache.clear()
        answer = getattr(attacker, method.lower())(path, headers={"X-Tenant": "acme"})
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert MARK not in text.decode(errors="replace"), path
        assert answer.status_code in (403, 404), path
    assert snapshot(victims) == before
    assert Token.objects.filter(user=attacker.user).exists()
