import io
from typing import IO, Any

from rest_framework import parsers, status
from rest_framework.exceptions import APIException, ParseError

MAX_BYTES = 2**20


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is larger than {MAX_BYTES} bytes"
    default_code = "body_too_large"


class JSONParser(parsers.JSONParser):
    """DRF's, with two bounds that it lacks: a body's size (413) and how deep it nests (400)."""

    def parse(self, stream: IO[bytes], *args: Any, **kwargs: Any) -> Any:
        # DATA_UPLOAD_MAX_MEMORY_SIZE doesn't hold here: DRF reads the stream, not request.body.
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise BodyTooLarge
        try:
            return super().parse(io.BytesIO(body), *args, **kwargs)
        except RecursionError as error:
            raise ParseError("The body nests too deep") from error
