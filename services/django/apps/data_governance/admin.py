from typing import Any

from django.contrib import admin

from .models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    """To be read: nobody adds, changes or deletes an audit event by hand."""

    list_display = ("created_at", "tenant", "user", "action", "object_type", "object_id")
    list_filter = ("action",)
    list_select_related = ("tenant", "user")
    search_fields = ("object_id", "request_id")
    date_hierarchy = "created_at"

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any) -> bool:
        return False
