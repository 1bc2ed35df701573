from django.contrib import admin

from .models import Report


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    list_display = ("pk", "tenant", "kind", "first_day", "last_day", "state", "progress", "by_schedule")
    list_filter = ("kind", "state")
    list_select_related = ("tenant",)
    readonly_fields = ("state", "progress", "error", "finished_at")
