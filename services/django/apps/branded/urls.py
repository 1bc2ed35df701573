from django.urls import path

from .views import BrandView, TrackingView

urlpatterns = [
    path("brand/", BrandView.as_view(), name="brand"),
    path("track/<slug:tenant>/<slug:reference>/", TrackingView.as_view(), name="tracking"),
]
