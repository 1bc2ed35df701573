from django.contrib.auth.views import LoginView
from django.urls import path

from .views import MeView, SignInView, SignOutView

urlpatterns = [
    path("sign-in/", SignInView.as_view(), name="sign-in"),
    path("sign-out/", SignOutView.as_view(), name="sign-out"),
    path("me/", MeView.as_view(), name="me"),
    # A page, for people who want to see other pages: it starts a session.
    path(
        "session/",
        LoginView.as_view(template_name="custom_auth/sign_in.html", next_page="api-docs"),
        name="session-sign-in",
    ),
]
