from django.urls import path

from .views import AuditEventListView, ErasureView

urlpatterns = [
    path("audit-events/", AuditEventListView.as_view(), name="audit-events"),
    path("erasures/", ErasureView.as_view(), name="erasures"),
]
