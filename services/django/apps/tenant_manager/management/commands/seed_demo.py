import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.tenant_manager.models import Membership, Role, Tenant


class Command(BaseCommand):
    help = (
        "Makes the tenant acme with its owner demo, and the user admin, of acme too, who may also see"
        " the pages below /admin/ and the log explorer."
        " DEMO_PASSWORD is the password of both. Running it again changes nothing."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("DEMO_PASSWORD is not set: it becomes the password of the users demo and admin")
        tenant, _ = Tenant.objects.get_or_create(slug="acme", defaults={"name": "Acme Corporation"})
        demo = self.user("demo", password)
        admin = self.user("admin", password, is_staff=True, is_superuser=True)
        for user in (demo, admin):
            Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": Role.OWNER})
        self.stdout.write("tenant acme, users demo and admin: ready")

    def user(self, username: str, password: str, **flags: bool) -> Any:
        user, _ = get_user_model().objects.update_or_create(username=username, defaults=flags)
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        return user
