from django.apps import AppConfig


class ManageReportsConfig(AppConfig):
    name = "apps.manage_reports"
