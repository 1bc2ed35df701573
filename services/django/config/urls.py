"""All routes. Each app under /api/ brings its own."""

from django.conf import settings
from django.urls import include, path

from apps.common.views import fault, health
from apps.custom_auth.views import auth_health

urlpatterns = [
    path("health", health),
    path("auth-health", auth_health),
    path("api/auth/", include("apps.custom_auth.urls")),
    path("api/tenants/", include("apps.tenant_manager.urls")),
    path("api/parcels/", include("apps.parcels.urls")),
    path("api/integrations/", include("apps.integrations.urls")),
    path("api/notifications/", include("apps.notification.urls")),
    path("api/logs/", include("apps.logs.urls")),
]

if settings.FAULT_VIEWS:
    urlpatterns.append(path("api/common/fault/", fault))
