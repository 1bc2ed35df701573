"""All routes. Each app under /api/ brings its own."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.branded.views import TrackingPageView
from apps.common.views import MetricsView, auth_health, health

urlpatterns = [
    path("health", health, name="health"),
    path("auth-health", auth_health, name="auth-health"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("admin/", admin.site.urls),
    path("track/<slug:tenant>/<slug:reference>/", TrackingPageView.as_view(), name="tracking-page"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", login_required(SpectacularSwaggerView.as_view()), name="api-docs"),
    path("api/auth/", include("apps.custom_auth.urls")),
    path("api/onboarding/", include("apps.onboarding.urls")),
    path("api/tenants/", include("apps.tenant_manager.urls")),
    path("api/data-governance/", include("apps.data_governance.urls")),
    path("api/branded/", include("apps.branded.urls")),
    path("api/containers/", include("apps.container.urls")),
    path("api/parcels/", include("apps.parcels.urls")),
    path("api/integrations/", include("apps.integrations.urls")),
    path("api/notifications/", include("apps.notification.urls")),
    path("api/harmonization/", include("apps.harmonization.urls")),
    path("api/dashboard/", include("apps.dashboard.urls")),
    path("api/reports/", include("apps.manage_reports.urls")),
    path("api/logs/", include("apps.logs.urls")),
]

if settings.FAULT_VIEWS:
    urlpatterns.append(path("api/common/fault/", include("apps.common.faults")))
