"""What we ask carriers."""

import json
from typing import Any
from urllib.parse import quote as quote_path

import urllib3
from django.conf import settings

# Shared, so that connections are kept from one call to the next. Each call is tried three times in all.
_http = urllib3.PoolManager(
    timeout=urllib3.Timeout(connect=1.0, read=3.0),
    retries=urllib3.Retry(2, backoff_factor=0.05, status_forcelist=(502, 503, 504), allowed_methods=None),
)


class CarrierError(Exception):
    """The carrier could not be reached or answered with something else than its API promises."""


class CarrierClient:
    def __init__(self, base_url: str | None = None) -> None:
        self._base_url = (base_url or settings.CARRIER_URL).rstrip("/")

    def quote(self, carrier: str, destination: str, weight_grams: int) -> dict[str, Any]:
        """The carrier's price, as it gives it: ``{"price": "12.50", "currency": "EUR", …}``. Raises CarrierError."""
        try:
            response = _http.request(
                "POST",
                f"{self._base_url}/{quote_path(carrier, safe='')}/quotes",
                json={"destination": destination, "weight_grams": weight_grams},
            )
            if response.status != 200:
                raise CarrierError(f"{carrier} answered {response.status}")
            answer = response.json()
        except (urllib3.exceptions.HTTPError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise CarrierError(f"{carrier} could not be asked") from error
        if not isinstance(answer, dict):
            raise CarrierError(f"{carrier} answered with something else than an object")
        return answer
