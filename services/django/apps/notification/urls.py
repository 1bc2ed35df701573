from django.urls import path

from .views import NoticeCreateView

urlpatterns = [path("", NoticeCreateView.as_view())]
