from django.apps import AppConfig


class DataGovernanceConfig(AppConfig):
    name = "apps.data_governance"

    def ready(self) -> None:
        from . import signals  # noqa: F401 - connects its receivers
