from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "apps.parcels"

    def ready(self) -> None:
        from . import live  # noqa: F401 - connects its receiver
