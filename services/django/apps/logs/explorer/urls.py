from django.urls import path

from . import views

urlpatterns = [
    path("", views.AboutView.as_view()),
    path("lines/", views.LinesView.as_view()),
    # An id is base64, in which there may be a /.
    path("lines/<path:line_id>/surrounding/", views.SurroundingView.as_view()),
    path("lines/<path:line_id>/", views.LineView.as_view()),
    path("overview/", views.OverviewView.as_view()),
    path("values/", views.ValuesView.as_view()),
    path("tail/", views.TailView.as_view()),
    path("export/", views.ExportView.as_view()),
    path("health/", views.HealthView.as_view()),
]
