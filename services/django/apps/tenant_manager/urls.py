from django.urls import path

from .views import CurrentTenantView, MemberListView, MemberView, TenantListView

urlpatterns = [
    path("", TenantListView.as_view(), name="tenants"),
    path("current/", CurrentTenantView.as_view(), name="current-tenant"),
    path("current/members/", MemberListView.as_view(), name="members"),
    path("current/members/<int:pk>/", MemberView.as_view(), name="member"),
]
