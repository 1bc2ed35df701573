from django.urls import path

from .views import LabelView, ParcelListView, ParcelView, QuoteView, ScanListView, TrackView

urlpatterns = [
    path("", ParcelListView.as_view()),
    path("<str:reference>/", ParcelView.as_view()),
    path("<str:reference>/scans/", ScanListView.as_view()),
    path("<str:reference>/track/", TrackView.as_view()),
    path("<str:reference>/label/", LabelView.as_view()),
    path("<str:reference>/quote/", QuoteView.as_view()),
]
