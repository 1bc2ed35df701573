"""CSV files of parcels."""

import csv
from collections.abc import Iterator
from typing import IO

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import QueryDict

from .filters import ParcelFilter
from .models import Parcel, ParcelExport, Scan

MAX_ROWS = 100_000
CHUNK = 1000  # rows fetched at once

COLUMNS = (
    "reference",
    "recipient",
    "destination",
    "carrier",
    "weight_grams",
    "status",
    "last_location",
    "created_at",
    "updated_at",
)
# A spreadsheet takes a cell that begins with one of these for a formula, which can run programs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def parcels(export: ParcelExport) -> QuerySet[Parcel]:
    """The parcels of the export's tenant that its query selects."""
    given = QueryDict(export.query)
    return ParcelFilter(given, queryset=Parcel.objects.for_tenant(export.tenant)).qs


def write_csv(found: QuerySet[Parcel], file: IO[str]) -> Iterator[int]:
    """Write the header and a row for each parcel to `file`; yields the number of rows so far, chunk by chunk."""
    newest = Scan.objects.filter(parcel=OuterRef("pk")).order_by("-scanned_at", "-pk")
    rows = found.annotate(last_location=Subquery(newest.values("location")[:1])).values_list(*COLUMNS)
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    number = 0
    for number, row in enumerate(rows.iterator(CHUNK), 1):
        writer.writerow(map(cell, row))
        if number % CHUNK == 0:
            yield number
    yield number


def cell(value: object) -> object:
    """The value, with an apostrophe before what a spreadsheet would run."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value.isoformat() if hasattr(value, "isoformat") else value
