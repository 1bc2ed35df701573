"""Security events: who signed in and out, and who failed to, by token or by session (pages, the admin's too)."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from apps.common.clients import client_address
from config.logging import context

from .failures import PERIOD, count_failure

logger = logging.getLogger("apps.custom_auth.security")


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    context.bind(user_id=user.pk)
    logger.info("Signed in", extra={"event": "sign_in", "client_address": client_address(request)})


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    if user:
        logger.info("Signed out", extra={"event": "sign_out", "user_id": user.pk})


@receiver(user_login_failed)
def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    # Not the user name: people type their password there. Whose account was tried is told by its id.
    account = get_user_model().objects.filter(username=credentials.get("username")).first()
    extra = {"event": "sign_in_failed", "account_id": account.pk if account else None}
    if request is None:  # by a command
        logger.warning("Sign-in refused", extra=extra)
        return
    extra["client_address"] = client_address(request)
    logger.warning("Sign-in refused", extra=extra)
    failures = count_failure(request)
    if failures == settings.SIGN_IN_FAILURES_ALARM:
        extra |= {"event": "brute_force_suspected", "failures": failures}
        logger.error("%d sign-ins refused within %d s: is someone guessing passwords?", failures, PERIOD, extra=extra)
