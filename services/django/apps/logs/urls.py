from django.urls import path

from .views import ClientLogsView

urlpatterns = [path("client/", ClientLogsView.as_view())]
