import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.tenant_manager.models import Tenant


class Command(BaseCommand):
    help = "Makes the tenant acme and its user demo, whose password is DEMO_PASSWORD. Running it again changes nothing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("DEMO_PASSWORD is not set: it becomes the password of the user demo")
        tenant, _ = Tenant.objects.get_or_create(slug="acme", defaults={"name": "Acme Corporation"})
        user, _ = get_user_model().objects.get_or_create(username="demo")
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        tenant.members.add(user)
        self.stdout.write("tenant acme, user demo: ready")
