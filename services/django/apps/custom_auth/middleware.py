from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.logging import context


def session_user(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Binds the user of a session to the log context. Requests without a session cost nothing here.

    Belongs after AuthenticationMiddleware. Users of a token are known later, by `authentication.TokenAuthentication`.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            context.bind(user_id=request.user.pk)
        return get_response(request)

    return middleware
