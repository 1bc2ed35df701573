from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from .models import Parcel, Status


class ParcelFilter(django_filters.FilterSet):
    """What a list of parcels is narrowed by, and an export: ``?status=in_transit&status=exception&search=leeds``."""

    search = django_filters.CharFilter(
        method="filter_search", max_length=100, help_text="Each word is part of the reference, recipient or destination"
    )
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    carrier = django_filters.CharFilter()
    created = django_filters.IsoDateTimeFromToRangeFilter(field_name="created_at")  # created_after, created_before
    updated = django_filters.IsoDateTimeFromToRangeFilter(field_name="updated_at")
    ordering = django_filters.OrderingFilter(fields=("created_at", "updated_at", "status", "carrier", "weight_grams"))

    class Meta:
        model = Parcel
        fields = ()

    def filter_search(self, queryset: QuerySet[Parcel], name: str, value: Any) -> QuerySet[Parcel]:
        for word in value.split():
            queryset = queryset.filter(
                Q(reference__icontains=word) | Q(recipient__icontains=word) | Q(destination__icontains=word)
            )
        return queryset


def filter_names() -> set[str]:
    """The query parameters that ParcelFilter reads."""
    names = set()
    for name, filter_ in ParcelFilter.base_filters.items():
        suffixes = getattr(filter_.field.widget, "suffixes", None)
        names |= {f"{name}_{suffix}" for suffix in suffixes} if suffixes else {name}
    return names
