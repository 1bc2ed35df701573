"""What stands in reports: for each kind its columns, and its rows one by one so that progress can be told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum

from apps.harmonization.models import DeclaredItem
from apps.parcels.models import Parcel, Status

from .models import Kind, Report

Row = list[str | int | float | None]


@dataclass(frozen=True)
class Period:
    """From `begin` up to, and without, `end`."""

    begin: datetime
    end: datetime

    @classmethod
    def of(cls, report: Report) -> "Period":
        begin, last = (datetime.combine(day, time(), UTC) for day in (report.first_day, report.last_day))
        return cls(begin, last + timedelta(days=1))

    def days(self) -> list["Period"]:
        day = timedelta(days=1)
        return [Period(self.begin + day * n, self.begin + day * (n + 1)) for n in range((self.end - self.begin).days)]

    def of_field(self, name: str) -> Q:
        return Q(**{f"{name}__gte": self.begin, f"{name}__lt": self.end})


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    # (report) → (how many rows there will be, the rows)
    rows: Callable[[Report], tuple[int, Iterator[Row]]]


def _deliveries(report: Report) -> tuple[int, Iterator[Row]]:
    parcels = Parcel.objects.for_tenant(report.tenant)
    days = Period.of(report).days()

    def rows() -> Iterator[Row]:
        for day in days:
            delivered = _delivered(parcels, day).aggregate(number=Count("pk"), mean=Avg("taken"))
            created = parcels.filter(day.of_field("created_at")).count()
            yield [day.begin.date().isoformat(), created, delivered["number"], _hours(delivered["mean"])]

    return len(days), rows()


def _carriers(report: Report) -> tuple[int, Iterator[Row]]:
    period = Period.of(report)
    parcels = Parcel.objects.for_tenant(report.tenant)
    created = parcels.filter(period.of_field("created_at")).order_by("carrier")
    carriers = list(created.values_list("carrier", flat=True).distinct())

    def rows() -> Iterator[Row]:
        for carrier in carriers:
            counted = created.filter(carrier=carrier).aggregate(
                parcels=Count("pk"),
                exceptions=Count("pk", filter=Q(status=Status.EXCEPTION)),
                weight=Sum("weight_grams"),
            )
            delivered = _delivered(parcels.filter(carrier=carrier), period).aggregate(n=Count("pk"), mean=Avg("taken"))
            yield [
                carrier,
                counted["parcels"],
                delivered["n"],
                counted["exceptions"],
                counted["weight"] / 1000,
                _hours(delivered["mean"]),
            ]

    return len(carriers), rows()


def _customs(report: Report) -> tuple[int, Iterator[Row]]:
    declared = DeclaredItem.objects.filter(
        Period.of(report).of_field("parcel__created_at"), parcel__tenant=report.tenant
    )
    totals = list(
        declared.order_by("hs_code", "origin", "currency")
        .values_list("hs_code", "hs_code__description", "origin", "currency")
        .annotate(Count("parcel", distinct=True), Sum("quantity"), Sum("weight_grams"), Sum("value"))
    )
    return len(totals), (
        [*keys, parcels, pieces, grams / 1000, str(value)] for *keys, parcels, pieces, grams, value in totals
    )


def _delivered(parcels: QuerySet[Parcel], period: Period) -> QuerySet[Parcel]:
    taken = ExpressionWrapper(F("delivered_at") - F("created_at"), output_field=DurationField())
    # Each delivery changes its parcel: those not changed since can be left out before scans are looked at.
    recent = parcels.filter(updated_at__gte=period.begin)
    return recent.with_delivered_at().filter(period.of_field("delivered_at")).annotate(taken=taken)


def _hours(taken: timedelta | None) -> float | None:
    return None if taken is None else round(taken / timedelta(hours=1), 1)


TABLES = {
    Kind.DELIVERIES: Table(("day", "created", "delivered", "hours_to_delivery"), _deliveries),
    Kind.CARRIERS: Table(
        ("carrier", "created", "delivered", "exceptions", "weight_kg", "hours_to_delivery"), _carriers
    ),
    Kind.CUSTOMS: Table(
        ("hs_code", "description", "origin", "currency", "parcels", "pieces", "weight_kg", "value"), _customs
    ),
}
