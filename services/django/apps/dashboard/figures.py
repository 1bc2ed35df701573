"""A tenant's figures, each time counted anew, in a few queries however many parcels there are."""

from datetime import timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.parcels.models import Parcel, Status, is_stale
from apps.tenant_manager.models import Tenant

DAYS = 14  # of the courses of new and delivered parcels


def figures(tenant: Tenant) -> dict[str, Any]:
    """The figures, by the names that `serializers.FiguresSerializer` has for them."""
    since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    parcels = Parcel.objects.for_tenant(tenant)

    counted = parcels.aggregate(
        parcels=Count("pk"),
        stale=Count("pk", filter=is_stale()),
        **{status.value: Count("pk", filter=Q(status=status)) for status in Status},
    )
    carriers = (
        parcels.order_by()
        .values("carrier")
        .annotate(
            parcels=Count("pk"),
            delivered=Count("pk", filter=Q(status=Status.DELIVERED)),
            exceptions=Count("pk", filter=Q(status=Status.EXCEPTION)),
        )
        .order_by("-parcels", "carrier")[:10]
    )
    created = (
        parcels.filter(created_at__gte=since)
        .order_by()
        .values_list(TruncDate("created_at"))
        .annotate(parcels=Count("pk"))
    )
    deliveries_by_day = (
        parcels.filter(updated_at__gte=since)  # each delivery changes its parcel: these are fewer to look through
        .with_delivered_at()
        .filter(delivered_at__gte=since)
        .annotate(taken=ExpressionWrapper(F("delivered_at") - F("created_at"), output_field=DurationField()))
        .order_by()
        .values_list(TruncDate("delivered_at"))
        .annotate(parcels=Count("pk"), mean=Avg("taken"))
    )
    deliveries = {day: (number, taken) for day, number, taken in deliveries_by_day}
    number = sum(number for number, _ in deliveries.values())
    taken = sum((number * taken for number, taken in deliveries.values()), timedelta())
    days = [since.date() + timedelta(days=day) for day in range(DAYS)]
    new = dict(created)
    return {
        "parcels": counted["parcels"],
        "by_status": {status.value: counted[status.value] for status in Status},
        "by_carrier": list(carriers),
        "stale": counted["stale"],
        "hours_to_delivery": round(taken / number / timedelta(hours=1), 1) if number else None,
        "created_by_day": {day.isoformat(): new.get(day, 0) for day in days},
        "delivered_by_day": {day.isoformat(): deliveries.get(day, (0, None))[0] for day in days},
    }
