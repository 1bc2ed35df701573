"""Sends a notice, by its channel."""

import json
import smtplib
import socket
import time
from ipaddress import ip_address

import urllib3
from django.conf import settings
from django.core.mail import EmailMessage

from apps.integrations import signatures

from .models import Channel, Notice

TIMEOUT = urllib3.Timeout(connect=3.0, read=5.0)
# Of a webhook's answers these alone may be different the next time.
PASSING = (408, 425, 429)


class NotDelivered(Exception):
    """It may work later."""


class Undeliverable(Exception):
    """It will never work."""


def send(notice: Notice) -> None:
    """Raises NotDelivered or Undeliverable; their messages hold neither address nor content."""
    if notice.channel == Channel.EMAIL:
        _send_email(notice)
    else:
        _send_webhook(notice)


def _send_email(notice: Notice) -> None:
    # The id is the notice's: should it be sent twice, because the worker died in between, mail programs show it once.
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    headers = {"Message-ID": f"<notice-{notice.pk}@{domain}>"}
    try:
        EmailMessage(notice.subject, notice.body, to=[notice.recipient], headers=headers).send()
    except smtplib.SMTPRecipientsRefused as error:
        [(code, _)] = error.recipients.values()
        refused = Undeliverable if code >= 500 else NotDelivered
        raise refused(f"The mail server refuses the recipient: {code}") from None  # its text names the recipient
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"The mail server answered {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"The mail server gave no answer: {type(error).__name__}") from error


def _send_webhook(notice: Notice) -> None:
    # Sorted and stored with the notice, so the same bytes each time: the receiver drops an id that it has seen.
    body = json.dumps(
        {
            "type": notice.subject,
            "created_at": notice.created_at.isoformat(),
            "tenant": notice.tenant.slug,
            "body": notice.body,
            "data": notice.data,
        }
    ).encode()
    headers = signatures.sign(f"notice-{notice.pk}", int(time.time()), body, notice.endpoint.secret)
    status = _post(notice.endpoint.url, body, {"Content-Type": "application/json", **headers})
    if 200 <= status < 300:
        return
    undeliverable = 300 <= status < 500 and status not in PASSING
    raise (Undeliverable if undeliverable else NotDelivered)(f"The endpoint answered {status}")


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """POST to an address that a tenant chose, and return the status; redirects are not followed.

    Only public addresses are connected to, unless NOTICE_PRIVATE_ADDRESSES allows others: a tenant must not reach what
    stands beside the worker. The name is resolved once, and the connection goes to the address that was looked at.
    """
    target = urllib3.util.parse_url(url)
    secure = target.scheme == "https"
    if not target.hostname or not (secure or settings.NOTICE_PRIVATE_ADDRESSES):
        raise Undeliverable("The endpoint's address is not one of https")
    port = target.port or (443 if secure else 80)
    host = target.hostname.strip("[]")
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError) as error:
        raise NotDelivered("The endpoint's name can't be resolved") from error
    if not (settings.NOTICE_PRIVATE_ADDRESSES or ip_address(address).is_global):
        raise Undeliverable("The endpoint's address is not public")
    if secure:
        pool = urllib3.HTTPSConnectionPool(address, port, assert_hostname=host, server_hostname=host, timeout=TIMEOUT)
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT)
    with pool:
        try:
            # Celery tries again, with longer and longer waits; the answer's body is nobody's concern.
            answer = pool.urlopen(
                "POST",
                target.request_uri,
                body=body,
                headers={**headers, "Host": target.netloc},
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise NotDelivered(f"The endpoint gave no answer: {type(error).__name__}") from error
        answer.close()
        return answer.status
