"""Signed-in clients of the API."""

from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from apps.tenant_manager.models import Membership, Role, Tenant

PASSWORD = "correct horse"
PARCEL = {"recipient": "Ann", "destination": "Main Street 1"}


def make_client(tenant: str, username: str, role: str = Role.MEMBER) -> APIClient:
    """A client with the token of a new user, `client.user`, who is a member of `tenant`: `client.tenant`."""
    user = get_user_model().objects.create_user(username, f"{username}@example.org", PASSWORD)
    owned, _ = Tenant.objects.get_or_create(slug=tenant, defaults={"name": tenant})
    Membership.objects.create(tenant=owned, user=user, role=role)
    client = APIClient(headers={"Authorization": f"Token {Token.objects.create(user=user)}", "X-Tenant": tenant})
    client.user, client.tenant = user, owned
    return client
