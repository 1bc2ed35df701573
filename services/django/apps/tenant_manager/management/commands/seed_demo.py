import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.tenant_manager.models import Membership, Role, Tenant


class Command(BaseCommand):
    help = (
        "Makes the tenants acme and globex with their owners demo and globex, and the user admin, of acme too, who may"
        " also see the pages below /admin/ and the log explorer."
        " DEMO_PASSWORD is the password of all. Running it again changes nothing."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("DEMO_PASSWORD is not set: it becomes the password of the users demo, globex and admin")
        demo, globex = self.user("demo", password), self.user("globex", password)
        admin = self.user("admin", password, is_staff=True, is_superuser=True)
        for slug, name, owners in (("acme", "Acme Corporation", (demo, admin)), ("globex", "Globex", (globex,))):
            tenant, _ = Tenant.objects.get_or_create(slug=slug, defaults={"name": name})
            for user in owners:
                Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": Role.OWNER})
        self.stdout.write("tenants acme and globex, users demo, globex and admin: ready")

    def user(self, username: str, password: str, **flags: bool) -> Any:
        user, _ = get_user_model().objects.update_or_create(username=username, defaults=flags)
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        return user
