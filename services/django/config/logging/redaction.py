"""Takes secrets and personal data out of records: passwords, tokens, keys, cards; e-mail addresses and phone numbers.

What is secret is known by its name (``password=…``, ``"api_key": "…"``, ``Authorization: …``) or by its own form (a
card number with its check digit, a JSON Web Token, a key of a known vendor, the password in a URL). A secret without
either, in the middle of a sentence, can't be told from a word: don't log it.
"""

import copy
import functools
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from . import records
from .text import MAX_KEY, MAX_VALUE, cut, safe_repr, safe_str

REDACTED = "[redacted]"
EMAIL, PHONE = "email", "phone"
# Personal data: by policy, as some services can't be run without seeing them.
PERSONAL = (EMAIL, PHONE)
# Objects and lists in one another that are looked into, and how many values of each: what is deeper or longer becomes
# its repr first (as JSON, that many values are longer than MAX_VALUE anyhow).
MAX_DEPTH = 6
MAX_LENGTH = MAX_VALUE // 2

_SECRETS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|jwt|credential|authori[sz]ation|cookie|cvv|cvc"
    r"|session[ _-]?(?:id|key)|(?:api|access|private|signing|encryption)[ _-]?key|card[ _-]?num"
)
_SECRET_NAME = re.compile(_SECRETS, re.IGNORECASE)
# So short that they count only when they are all of a name.
_SHORT_SECRET_NAMES = frozenset({"pin", "otp", "pass", "auth", "card", "iban", "ssn"})
_PHONE_NAME = re.compile(r"phone|mobile", re.IGNORECASE)

# All patterns take time in proportion to the text: what repeats is bounded, or can't match what follows it.
_NAMED = re.compile(
    rf"""
    # A header's value has spaces: the rest of the line is its.
    (?P<header> (?:authori[sz]ation|cookie) \s{{0,3}} : \s{{0,3}} ) [^\r\n"']+
    |
    (?P<name>
        (?:{_SECRETS}) [\w-]{{0,30}}
        (?:
            \\{{0,4}} ["']? \s{{0,3}} (?: => | [:=>] | %3[ad] ) \s{{0,3}}  # name=value, "name": "value", <name>value
            |
            ["'] \s{{0,3}} , \s{{0,3}} (?= [bru]{{0,2}} ["'] )             # ("name", "value")
        )
    )
    (?! \[redacted | \\{{0,4}} ["'] (?:{_SECRETS}) [\w-]{{0,30}} \\{{0,4}} ["'] \s{{0,3}} [:=>] )
    (?:
        [bru]{{0,2}} (?P<quote>["']) (?: (?!(?P=quote)) [^\\] | \\. )* (?P=quote)
        |
        \\{{1,4}} (?P<escaped>["']) [^"']* (?P=escaped)                    # JSON in JSON
        |
        (?P<open> ["'] ) [^\r\n]*                                          # no end of it: cut off
        |
        [\[({{] [^\])}}\r\n]* [\])}}]?                                     # several of them
        |
        (?: (?:bearer|basic|token|digest) \s )?
        (?! (?:{_SECRETS}) [\w-]{{0,30}} \\{{0,4}} ["']? \s{{0,3}} [:=>] )  # no value, but the next name
        [^\s&"'<]* [^\s&"'<,;)\]}}\\]
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FORMS = (
    # An authorization scheme without its header's name.
    (re.compile(r"\b(bearer|basic|token) (?=\S{0,80}\d)[\w+/=.~-]{12,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    # A JSON Web Token.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), REDACTED),
    # Keys of AWS, of GitHub, Slack and Stripe.
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), REDACTED),
    (re.compile(r"\b(?:gh[opsu]_|xox[abprs]-|[rs]k_(?:live|test)_)[\w-]{16,}"), REDACTED),
    # https://user:password@host
    (re.compile(r"(://[^\s/:@]{0,256}:)[^\s/@]{1,256}(?=@)"), rf"\1{REDACTED}"),
    # PEM
    (
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.S),
        REDACTED,
    ),
)
# As cards show their numbers, or without spaces.
_CARD = re.compile(
    r"(?<![\w.])(?<!\w-)"
    r"[2-6](?:\d{12,18}|\d{3}(?P<four>[ -])\d{4}(?P=four)\d{4}(?P=four)\d{4}|\d{3}(?P<six>[ -])\d{6}(?P=six)\d{4,5})"
    r"(?!-?\w)"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# International numbers alone: without its +, a phone number is like any other number.
_PHONE = re.compile(r"(?<![A-Za-z_+])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)")
_TWELVE_DIGITS = re.compile(r"[2-6]\d{3}[ -]?\d{4}[ -]?\d{2}[ -]?\d{2}")

_PLACEHOLDER = re.compile(r"%(?:\((?P<name>[^)]*)\))?[-#0 +]*\d*(?:\.\d+)?[hlL]?(?P<kind>[a-zA-Z%*])")
_ENDS_WITH_NAME = re.compile(rf"(?:{_SECRETS})[\w-]{{0,30}}\W{{0,3}}(?:(?:is|was)\W{{1,3}})?\Z", re.IGNORECASE)
MAX_TEMPLATE = 512


class Redactor:
    """Redacts text and data. `personal` names the kinds of personal data that go as secrets do, of `PERSONAL`."""

    def __init__(self, personal: Collection[str] = PERSONAL) -> None:
        if unknown := set(personal) - set(PERSONAL):
            raise ValueError(f"no kinds of personal data: {sorted(unknown)}; there are {PERSONAL}")
        self._email, self._phone = EMAIL in personal, PHONE in personal
        # Keys may be a stranger's: a bounded memory of them.
        self.is_secret = functools.lru_cache(maxsize=2048)(self._is_secret)

    def _is_secret(self, name: str) -> bool:
        """Whether a key of this name holds what must not be logged: ``password``, ``X-Api-Key``, ``pin`` …"""
        if _SECRET_NAME.search(name) or name.lower() in _SHORT_SECRET_NAMES:
            return True
        return self._phone and bool(_PHONE_NAME.search(name))

    def suspects(self, text: str) -> bool:
        """Whether `text` may have anything for `text()` to take out: quick to see that nearly all texts have not."""
        low = text.lower()
        return (
            "pass" in low
            or "key" in low
            or "token" in low
            or "secret" in low
            or "session" in low
            or "pwd" in low
            or "jwt" in low
            or "credential" in low
            or "authori" in low
            or "cookie" in low
            or "card" in low
            or "cvv" in low
            or "cvc" in low
            or "bearer" in low
            or "basic" in low
            or "eyj" in low
            or "akia" in low
            or "asia" in low
            or "gh" in low
            or "xox" in low
            or "k_live" in low
            or "k_test" in low
            or "@" in low
            or "+" in low
            or _TWELVE_DIGITS.search(low) is not None
        )

    def text(self, text: str) -> str:
        """`text` without its secrets; the same object when it has none."""
        if not self.suspects(text):
            return text
        clean = _NAMED.sub(_redact_named, text)
        for pattern, replacement in _FORMS:
            clean = pattern.sub(replacement, clean)
        clean = _CARD.sub(_redact_card, clean)
        if self._email:
            clean = _EMAIL.sub("[email redacted]", clean)
        if self._phone:
            clean = _PHONE.sub("[phone redacted]", clean)
        return text if clean == text else clean

    def value(self, value: Any, depth: int = 0) -> Any:
        """`value` without its secrets: a copy where it had some, else what is equal to it for JSON."""
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, str):
            return self.text(cut(value, MAX_VALUE))
        if depth < MAX_DEPTH and (copied := self._copy(value, depth)) is not None:
            return copied
        written = safe_repr(value)
        clean = self.text(cut(written, MAX_VALUE))
        return value if clean == written else clean

    def _copy(self, value: Any, depth: int) -> dict[Any, Any] | list[Any] | None:
        """An object's or a list's clean copy; None for anything else, and for what can't be read."""
        try:
            if isinstance(value, Mapping) and len(value) <= MAX_LENGTH:
                return {self._key(key): self._named(key, item, depth) for key, item in value.items()}
            if isinstance(value, list | tuple) and len(value) <= MAX_LENGTH:
                return [self.value(item, depth + 1) for item in value]
        except Exception:  # a mapping of its own making, say
            return None
        return None

    def _named(self, key: Any, value: Any, depth: int) -> Any:
        # Yes, no and nothing are no secrets.
        if value is not None and not isinstance(value, bool) and self.is_secret(cut(safe_str(key), MAX_KEY)):
            return REDACTED
        return self.value(value, depth + 1)

    def _key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key


class RedactionFilter(logging.Filter):
    """Redacts each record: its message with the arguments, its extras, its traceback and its stack.

    In place, so that what handles the record later sees no secrets either. `msg` and `args`, and `exc_info`, stay as
    they are when there is nothing to take out; otherwise the record has the clean text as `msg`, or as `exc_text`, in
    their place. Put it after the filters that add to the record.
    """

    def __init__(self, personal: Collection[str] = PERSONAL) -> None:
        super().__init__()
        self._redactor = Redactor(personal)

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            self._redact(record)
        except Exception as error:
            record.msg, record.args = f"A record was withheld, as its redaction failed: {type(error).__name__}", ()
            record.exc_info = record.exc_text = record.stack_info = None
            for key in records.extras(record):
                del record.__dict__[key]
        return True

    def _redact(self, record: logging.LogRecord) -> None:
        redactor, attributes = self._redactor, record.__dict__
        if record.args:
            redact_arguments(record)
        merged = records.raw_message(record)
        message = cut(merged)

        texts = {}
        for key, value in records.extras(record).items():
            if redactor.is_secret(key):
                if value is not None and not isinstance(value, bool):
                    attributes[key] = REDACTED
            elif type(value) is str:
                texts[key] = value
            elif type(value) is not int or value >= 10**12:
                attributes[key] = redactor.value(value)

        # One look at all of them is enough for nearly all records.
        if redactor.suspects("\n".join((message, *texts.values()))):
            message = redactor.text(message)
            for key, value in texts.items():
                attributes[key] = redactor.text(cut(value, MAX_VALUE))
        if message is not merged:
            record.msg, record.args = message, ()

        if record.exc_info or record.exc_text:
            written = cut(records.traceback(record))
            clean = redactor.text(written)
            if clean is not written:
                record.exc_text, record.exc_info = clean, None
        if record.stack_info:
            record.stack_info = redactor.text(cut(safe_str(record.stack_info)))


def _redact_named(match: re.Match[str]) -> str:
    if match["header"]:
        return f"{match['header']}{REDACTED}"
    quote = match["quote"] or match["escaped"] or match["open"] or ""
    if match["escaped"]:
        quote = "\\" + quote
    return f"{match['name']}{quote}{REDACTED}{quote}"


def _redact_card(match: re.Match[str]) -> str:
    """A number whose check digit is wrong (ISO/IEC 7812-1, Luhn) is no card's."""
    digits = [int(char) for char in reversed(match[0]) if char.isdecimal()]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return match[0] if total % 10 else "[card redacted]"


def redact_arguments(record: logging.LogRecord) -> None:
    """Redacts the arguments that the message names as secrets: ``"password %s"``, ``"%(token)s"``."""
    template, args = record.msg, record.args
    # A long one is no template: nothing of it is kept.
    if type(template) is not str or len(template) > MAX_TEMPLATE or not (secret := _secret_arguments(template)):
        return
    if isinstance(args, tuple):
        record.args = tuple(REDACTED if index in secret else value for index, value in enumerate(args))
    elif isinstance(args, Mapping):
        named = copy.copy(args)  # gunicorn's is a dict with a default of its own
        for name in secret:
            if name in named:
                named[name] = REDACTED  # type: ignore[index]
        record.args = named


@functools.lru_cache(maxsize=1024)
def _secret_arguments(template: str) -> frozenset[int | str]:
    """Positions, or names, of the arguments that are secret by what stands before them, or by their names."""
    secret: set[int | str] = set()
    index = end = 0
    for match in _PLACEHOLDER.finditer(template):
        before, end = template[end : match.start()], match.end()
        if match["kind"] == "%":
            continue
        name = match["name"]
        if match["kind"] in "sra" and (_ENDS_WITH_NAME.search(before) or (name and _SECRET_NAME.search(name))):
            secret.add(index if name is None else name)
        index += 1
    return frozenset(secret)
