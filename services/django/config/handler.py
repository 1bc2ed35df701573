"""How requests are handled: all of one in one thread."""

from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse


class ThreadPoolHandler(ASGIHandler):
    """Django's, which runs middleware and view of a request in one of REQUEST_THREADS threads.

    All that it runs is synchronous. Django's own handler changes threads at each middleware, and begins a thread for
    each request, which opens a connection to the database anew. These threads stay, and CONN_MAX_AGE holds in them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.threads = ThreadPoolExecutor(settings.REQUEST_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        return await sync_to_async(self.respond, thread_sensitive=False, executor=self.threads)(request)

    def respond(self, request: HttpRequest) -> HttpResponse:
        # Django does so by signals, which come in another thread here.
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()
