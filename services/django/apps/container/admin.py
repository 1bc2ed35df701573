from django.contrib import admin

from .models import Consignment


@admin.register(Consignment)
class ConsignmentAdmin(admin.ModelAdmin):
    list_display = ("reference", "tenant", "state", "origin", "destination", "created_at")
    list_filter = ("state",)
    list_select_related = ("tenant",)
    search_fields = ("reference",)
    raw_id_fields = ("parcels",)
