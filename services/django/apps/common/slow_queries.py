"""A warning for each query of the database that takes long."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

logger = logging.getLogger(__name__)


def warn_of_slow_queries(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Warns of queries of SLOW_QUERY_SECONDS and more, failed ones too: they worked that long, or waited for a lock.

    The SQL is an extra, without its parameters: members of a tenant, who can search its lines' messages, don't see it.
    """
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        took = time.perf_counter() - started
        if took >= settings.SLOW_QUERY_SECONDS:
            logger.warning("A query took %d ms", took * 1000, extra={"query": sql})


@receiver(connection_created)
def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if warn_of_slow_queries not in connection.execute_wrappers:  # it connects anew after CONN_MAX_AGE
        connection.execute_wrappers.append(warn_of_slow_queries)
