"""The fields that the documents have."""

from django.conf import settings
from django.core.cache import cache

from apps.logs import store

SECONDS = 60  # that an answer is remembered

# Elasticsearch's types whose values are listed where a query is completed.
COMPLETED = ("keyword", "flattened")


def kinds() -> dict[str, str]:
    """{field: its type} of those that can be asked for; empty as long as there is no document. Raises
    store.Unavailable."""
    key = f"logs-fields:{settings.LOG_GROUP}"
    if (known := cache.get(key)) is None:
        found = store.ask("_field_caps", {}, "&fields=*&filters=-metadata,-parent")["fields"]
        known = {
            name: kind for name, types in sorted(found.items()) for kind, can in types.items() if can["searchable"]
        }
        cache.set(key, known, SECONDS if known else 1)
    return known


def names() -> list[str]:
    return list(kinds())
