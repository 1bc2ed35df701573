from django.urls import path

from .views import EndpointListView, EndpointView, NoticeListView, NoticeView

urlpatterns = [
    path("", NoticeListView.as_view()),
    path("<int:pk>/", NoticeView.as_view()),
    path("endpoints/", EndpointListView.as_view()),
    path("endpoints/<int:pk>/", EndpointView.as_view()),
]
