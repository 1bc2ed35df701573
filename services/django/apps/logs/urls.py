from django.urls import include, path

from .views import ClientLogsView, SearchView

urlpatterns = [
    path("client/", ClientLogsView.as_view()),
    path("search/", SearchView.as_view()),
    path("explorer/", include("apps.logs.explorer.urls")),
]
