"""Tenants, their members and their sign-up."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from rest_framework.test import APIClient

from apps.tenant_manager.models import Membership, Tenant
from tests.unit.django.clients import PASSWORD, make_client

pytestmark = pytest.mark.django_db
ACCOUNT = {"username": "carl", "email": "carl@example.org", "password": "a long enough one"}
SIGN_UP = {**ACCOUNT, "company": "Initech GmbH", "slug": "initech"}


def context_of(line: str) -> dict:
    return json.loads(line[line.index(" {") :])


# Which tenant


def test_a_subdomain_names_the_tenant(acme, globex):
    token = {"Authorization": acme._credentials.get("HTTP_AUTHORIZATION") or acme.defaults["HTTP_AUTHORIZATION"]}
    client = APIClient(headers=token)
    assert client.get("/api/tenants/current/", HTTP_HOST="acme.parcels.test").json()["slug"] == "acme"
    assert client.get("/api/tenants/current/", HTTP_HOST="globex.parcels.test").status_code == 403
    assert client.get("/api/tenants/current/", HTTP_HOST="parcels.test").status_code == 400
    assert client.get("/api/tenants/current/", HTTP_HOST="acme.elsewhere.test").status_code == 400  # a host not ours


def test_the_header_wins_over_the_subdomain(acme, globex):
    assert acme.get("/api/tenants/current/", HTTP_HOST="globex.parcels.test").json()["slug"] == "acme"


def test_a_users_tenants_are_listed_by_as_many_queries_however_many(acme, globex, django_assert_num_queries):
    for number in range(30):
        Membership.objects.create(tenant=Tenant.objects.create(slug=f"t{number}"), user=acme.user)
    with django_assert_num_queries(3):  # token, count, page
        slugs = [tenant["slug"] for tenant in acme.get("/api/tenants/").json()["results"]]
    assert len(slugs) == 31 and "globex" not in slugs


# What owners may


def test_only_owners_rename(acme, owner):
    assert acme.patch("/api/tenants/current/", {"name": "Mine"}).status_code == 403
    assert owner.patch("/api/tenants/current/", {"name": "Acme Inc.", "slug": "other"}).status_code == 200
    assert Tenant.objects.get(slug="acme").name == "Acme Inc."


def test_members(acme, owner, globex, django_assert_num_queries):
    assert acme.post("/api/tenants/current/members/", ACCOUNT).status_code == 403
    assert owner.post("/api/tenants/current/members/", ACCOUNT).status_code == 201
    assert owner.post("/api/tenants/current/members/", {**ACCOUNT, "username": "CARL"}).status_code == 400
    for number in range(20):
        make_client("acme", f"user{number}")
    with django_assert_num_queries(4):  # token, tenant, count, page
        members = acme.get("/api/tenants/current/members/").json()["results"]
    assert {member["username"] for member in members} >= {"ann", "olga", "carl"}
    assert "bob" not in {member["username"] for member in members}
    assert all("password" not in member for member in members)


def test_a_removed_member_is_out_at_once(acme, owner):
    membership = Membership.objects.get(user=acme.user)
    assert owner.delete(f"/api/tenants/current/members/{membership.pk}/").status_code == 204
    assert acme.get("/api/parcels/").status_code == 403


def test_the_last_owner_and_others_members_stay(acme, owner, globex):
    for client in (owner, globex):
        membership = Membership.objects.get(user=client.user)
        assert owner.delete(f"/api/tenants/current/members/{membership.pk}/").status_code in (400, 404)
        assert Membership.objects.filter(pk=membership.pk).exists()


# Sign-up


def test_sign_up(configure_logging, django_capture_on_commit_callbacks):
    root = configure_logging()
    with django_capture_on_commit_callbacks(execute=True):
        answer = APIClient().post("/api/onboarding/sign-up/", SIGN_UP)
    assert answer.status_code == 201
    assert answer.json()["tenant"] == {"slug": "initech", "name": "Initech GmbH"}
    signed_in = APIClient(headers={"Authorization": f"Token {answer.json()['token']}", "X-Tenant": "initech"})
    assert signed_in.patch("/api/tenants/current/", {"name": "Initech"}).status_code == 200  # an owner
    assert [message.to for message in mail.outbox] == [["carl@example.org"]]

    lines = (root / "django/app.log").read_text().splitlines()
    (line,) = [line for line in lines if "|apps.onboarding.views|" in line]
    found = context_of(line)
    assert found["tenant"] == "initech" and found["user_id"] == get_user_model().objects.get(username="carl").pk
    (audited,) = [line for line in lines if "|apps.data_governance.audit|" in line and "tenant.signed_up" in line]
    assert context_of(audited)["request_id"] == found["request_id"]
    assert SIGN_UP["password"] not in "".join(lines)


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "acme"},
        {"slug": "Not A Slug"},
        {"slug": "-a"},
        {"slug": "www"},
        {"username": "ann"},
        {"username": "ANN"},
        {"password": "short"},
        {"password": "password"},
        {"email": "nobody"},
        {"company": ""},
        {"company": "with \x00"},
    ],
)
def test_a_sign_up_that_is_refused_leaves_nothing(acme, wrong):
    assert APIClient().post("/api/onboarding/sign-up/", {**SIGN_UP, **wrong}).status_code == 400
    assert Tenant.objects.count() == get_user_model().objects.count() == 1


def test_sign_ups_are_throttled():
    assert {APIClient().post("/api/onboarding/sign-up/", {}).status_code for _ in range(61)} == {400, 429}


# Members of before there were roles


@pytest.mark.django_db(transaction=True)
def test_the_migration_keeps_members():
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    executor.migrate([("tenant_manager", "0001_initial")])
    old = executor.loader.project_state([("tenant_manager", "0001_initial"), ("custom_auth", "0001_initial")]).apps
    user = old.get_model("custom_auth", "User").objects.create(username="old", password=PASSWORD)
    old.get_model("tenant_manager", "Tenant").objects.create(slug="old", name="old").members.add(user.pk)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert [(m.tenant.slug, m.user.username, m.role) for m in Membership.objects.all()] == [("old", "old", "member")]
