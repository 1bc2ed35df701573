"""The label store: an S3-compatible service that keeps the parcels' labels."""

from contextlib import suppress

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from apps.parcels.models import Parcel

# What the functions below raise when the store refuses or can't be reached.
STORE_ERRORS = (BotoCoreError, ClientError)


def label_store() -> BaseClient:
    return boto3.client(
        "s3",
        endpoint_url=settings.LABEL_STORE_URL or None,
        region_name=settings.LABEL_STORE_REGION,
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2}),
    )


def render_label(parcel: Parcel) -> bytes:
    """A shipping label in ZPL, the language of label printers."""
    # ^ and ~ begin commands; a recipient's name must not.
    lines = (field.replace("^", " ").replace("~", " ") for field in (parcel.recipient, parcel.destination))
    text = "".join(f"^FO50,{50 + 50 * row}^A0N,36^FD{line}^FS" for row, line in enumerate(lines))
    return f"^XA^CI28{text}^FO50,200^BCN,100^FD{parcel.reference}^FS^XZ".encode()


def put_label(parcel: Parcel) -> str:
    """Put the parcel's label into the store, whose bucket is made when missing, and return its key."""
    key = f"{parcel.tenant.slug}/{parcel.reference}.zpl"
    store = label_store()
    put = {"Bucket": settings.LABEL_STORE_BUCKET, "Key": key, "Body": render_label(parcel)}
    try:
        store.put_object(**put)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        with suppress(store.exceptions.BucketAlreadyOwnedByYou):  # another task was faster
            store.create_bucket(Bucket=settings.LABEL_STORE_BUCKET)
        store.put_object(**put)
    return key


def get_label(key: str) -> bytes:
    """The label stored under `key`."""
    return label_store().get_object(Bucket=settings.LABEL_STORE_BUCKET, Key=key)["Body"].read()
