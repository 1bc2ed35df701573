from django.urls import path

from .views import ReportDownloadView, ReportListView, ReportView

urlpatterns = [
    path("", ReportListView.as_view()),
    path("<int:pk>/", ReportView.as_view()),
    path("<int:pk>/download/", ReportDownloadView.as_view()),
]
