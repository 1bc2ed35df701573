from decimal import Decimal
from typing import Any

from rest_framework import serializers

from .models import DeclaredItem, HSCode

MAX_ITEMS = 50  # a declaration


class HSCodeSerializer(serializers.ModelSerializer):
    class Meta:
        model = HSCode
        fields = ("code", "description")


class DeclaredItemSerializer(serializers.ModelSerializer):
    # Known codes come by the declaration's context: one query for all of its lines, not one each.
    hs_code = serializers.RegexField(r"\A\d{6}\Z", source="hs_code_id", help_text="A known subheading: six digits")

    class Meta:
        model = DeclaredItem
        fields = ("hs_code", "description", "quantity", "weight_grams", "value", "currency", "origin")


class DeclarationSerializer(serializers.Serializer):
    """What a parcel is declared to hold."""

    reference = serializers.CharField(read_only=True)
    items = DeclaredItemSerializer(many=True, allow_empty=False, max_length=MAX_ITEMS, source="declared_items")
    total_value = serializers.SerializerMethodField(help_text="By currency")

    def get_total_value(self, parcel: Any) -> dict[str, str]:
        totals: dict[str, Decimal] = {}
        for item in parcel.declared_items.all():
            totals[item.currency] = totals.get(item.currency, Decimal(0)) + item.value
        return {currency: str(total) for currency, total in totals.items()}

    def validate_items(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked = {item["hs_code_id"] for item in items}
        if unknown := asked - set(HSCode.objects.filter(pk__in=asked).values_list("pk", flat=True)):
            raise serializers.ValidationError(f"Not in the table of HS codes: {', '.join(sorted(unknown))}")
        return items
