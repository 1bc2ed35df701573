from django.contrib import admin

from .models import Parcel, ParcelExport, Scan


class ScanInline(admin.TabularInline):
    model = Scan
    extra = 0


@admin.register(Parcel)
class ParcelAdmin(admin.ModelAdmin):
    list_display = ("reference", "tenant", "status", "carrier", "carrier_reference", "created_at")
    list_filter = ("status", "carrier")
    list_select_related = ("tenant",)
    search_fields = ("reference", "recipient", "destination")
    readonly_fields = ("reference", "label_key", "carrier_reference")
    inlines = (ScanInline,)


@admin.register(ParcelExport)
class ParcelExportAdmin(admin.ModelAdmin):
    list_display = ("pk", "tenant", "requested_by", "state", "progress", "rows", "created_at")
    list_filter = ("state",)
    list_select_related = ("tenant", "requested_by")
    readonly_fields = ("state", "progress", "rows", "error", "key", "finished_at")
