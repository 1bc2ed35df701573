from django.contrib import admin

from .models import Notice, WebhookEndpoint


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    list_display = ("pk", "tenant", "channel", "state", "attempts", "error", "created_at", "sent_at")
    list_filter = ("channel", "state")
    list_select_related = ("tenant",)
    readonly_fields = ("state", "attempts", "error", "sent_at")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):
    list_display = ("pk", "tenant", "url", "active")
    list_filter = ("active",)
    list_select_related = ("tenant",)
