from django.apps import AppConfig


class CronTasksConfig(AppConfig):
    name = "apps.cron_tasks"
