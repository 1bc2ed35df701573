from django.urls import path

from .views import (
    BookingView,
    ExportDownloadView,
    ExportListView,
    ExportView,
    LabelView,
    ParcelListView,
    ParcelView,
    QuoteView,
    ScanListView,
    TrackView,
)

urlpatterns = [
    path("", ParcelListView.as_view()),
    path("exports/", ExportListView.as_view()),
    path("exports/<int:pk>/", ExportView.as_view()),
    path("exports/<int:pk>/download/", ExportDownloadView.as_view()),
    path("<slug:reference>/", ParcelView.as_view()),
    path("<slug:reference>/scans/", ScanListView.as_view()),
    path("<slug:reference>/track/", TrackView.as_view()),
    path("<slug:reference>/label/", LabelView.as_view()),
    path("<slug:reference>/quote/", QuoteView.as_view()),
    path("<slug:reference>/booking/", BookingView.as_view()),
]
