"""Labels of parcels, and where they are kept."""

from django.conf import settings

from apps.parcels.models import Parcel

from . import store


def render_label(parcel: Parcel) -> bytes:
    """A shipping label in ZPL, the language of label printers."""
    # ^ and ~ begin commands; a recipient's name must not.
    lines = (field.replace("^", " ").replace("~", " ") for field in (parcel.recipient, parcel.destination))
    text = "".join(f"^FO50,{50 + 50 * row}^A0N,36^FD{line}^FS" for row, line in enumerate(lines))
    return f"^XA^CI28{text}^FO50,200^BCN,100^FD{parcel.reference}^FS^XZ".encode()


def put_label(parcel: Parcel) -> str:
    """Put the parcel's label into the store and return its key there. Raises one of store.STORE_ERRORS."""
    key = f"{parcel.tenant.slug}/{parcel.reference}.zpl"
    store.put(settings.LABEL_STORE_BUCKET, key, render_label(parcel))
    return key


def get_label(key: str) -> bytes:
    """The label stored under `key`. Raises one of store.STORE_ERRORS."""
    return store.get(settings.LABEL_STORE_BUCKET, key)
