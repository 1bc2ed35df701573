from django.urls import path

from .views import CarrierWebhookView

urlpatterns = [path("carriers/<slug:carrier>/webhook/", CarrierWebhookView.as_view())]
