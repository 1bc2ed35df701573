from django.apps import AppConfig


class DataGovernanceConfig(AppConfig):
    name = "apps.data_governance"
