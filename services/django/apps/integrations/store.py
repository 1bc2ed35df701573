"""The document store: an S3-compatible service that keeps labels and exports, each kind in a bucket of its own."""

from contextlib import suppress
from typing import IO

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

# What the functions below raise when the store refuses or can't be reached.
STORE_ERRORS = (BotoCoreError, ClientError)


def client() -> BaseClient:
    return boto3.client(
        "s3",
        endpoint_url=settings.LABEL_STORE_URL or None,
        region_name=settings.LABEL_STORE_REGION,
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2}),
    )


def put(bucket: str, key: str, body: bytes) -> None:
    """Put `body` into the bucket, which is made when missing."""
    store = client()
    try:
        store.put_object(Bucket=bucket, Key=key, Body=body)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        _make(store, bucket)
        store.put_object(Bucket=bucket, Key=key, Body=body)


def put_file(bucket: str, key: str, file: IO[bytes]) -> None:
    """Put what `file` holds into the bucket, in parts when it is large; the bucket is made when missing.

    `file` is closed afterwards.
    """
    store = client()
    # Asked first: an upload that failed has closed the file.
    try:
        store.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        _make(store, bucket)
    store.upload_fileobj(file, bucket, key)


def get(bucket: str, key: str) -> bytes:
    return client().get_object(Bucket=bucket, Key=key)["Body"].read()


def _make(store: BaseClient, bucket: str) -> None:
    with suppress(store.exceptions.BucketAlreadyOwnedByYou):  # another task was faster
        store.create_bucket(Bucket=bucket)
