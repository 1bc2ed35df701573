from django.contrib import admin

from .models import Brand


@admin.register(Brand)
class BrandAdmin(admin.ModelAdmin):
    list_display = ("tenant", "colour", "support_email")
    list_select_related = ("tenant",)
