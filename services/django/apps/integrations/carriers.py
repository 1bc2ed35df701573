"""What we ask carriers."""

import json
from typing import Any
from urllib.parse import quote as quote_path

import urllib3
from django.conf import settings

# Shared, so that connections are kept from one call to the next. Each call is tried three times in all, with a little
# longer between; every call may be repeated: a quote changes nothing, a booking carries its idempotency key.
_http = urllib3.PoolManager(
    timeout=urllib3.Timeout(connect=1.0, read=3.0),
    retries=urllib3.Retry(
        2,
        redirect=0,
        backoff_factor=0.05,
        backoff_jitter=0.05,  # seconds: clients that failed together don't come back together
        status_forcelist=(429, 502, 503, 504),
        raise_on_status=False,
        allowed_methods=None,
        retry_after_max=2,  # seconds: someone waits for the answer
    ),
)
MAX_ANSWER_BYTES = 64 * 2**10


class CarrierError(Exception):
    """The carrier could not be reached or answered with something else than its API promises."""


class CarrierClient:
    def __init__(self, base_url: str | None = None) -> None:
        self._base_url = (base_url or settings.CARRIER_URL).rstrip("/")

    def quote(self, carrier: str, destination: str, weight_grams: int) -> dict[str, Any]:
        """The carrier's price, as it gives it: ``{"price": "12.50", "currency": "EUR", …}``. Raises CarrierError."""
        return self._post(carrier, "quotes", {"destination": destination, "weight_grams": weight_grams})

    def book(self, carrier: str, reference: str, destination: str, weight_grams: int) -> str:
        """Have the carrier fetch a parcel; returns its own reference for it. Raises CarrierError.

        Our reference is the idempotency key: asked again, the carrier answers as before and comes once.
        """
        body = {"reference": reference, "destination": destination, "weight_grams": weight_grams}
        booked = self._post(carrier, "bookings", body, {"Idempotency-Key": reference}).get("carrier_reference")
        if not isinstance(booked, str) or not 0 < len(booked) <= 100:
            raise CarrierError(f"{carrier} confirmed a booking without its carrier_reference")
        return booked

    def _post(self, carrier: str, what: str, body: dict, headers: dict[str, str] | None = None) -> dict[str, Any]:
        url = f"{self._base_url}/{quote_path(carrier, safe='')}/{what}"
        try:
            response = _http.request("POST", url, json=body, headers=headers, preload_content=False)
            try:
                status, answer = response.status, response.read(MAX_ANSWER_BYTES + 1)
            finally:
                response.close()  # what was read to its end keeps its connection
            if status not in (200, 201):
                raise CarrierError(f"{carrier} answered {status}")
            if len(answer) > MAX_ANSWER_BYTES:
                raise CarrierError(f"{carrier} answered with more than {MAX_ANSWER_BYTES} bytes")
            answer = json.loads(answer)
        except (urllib3.exceptions.HTTPError, ValueError, RecursionError) as error:
            raise CarrierError(f"{carrier} could not be asked") from error
        if not isinstance(answer, dict):
            raise CarrierError(f"{carrier} answered with something else than an object")
        return answer
