from django.urls import path

from .views import ClientLogsView, SearchView

urlpatterns = [
    path("client/", ClientLogsView.as_view()),
    path("search/", SearchView.as_view()),
]
