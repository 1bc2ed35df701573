from django.urls import path

from .views import DeclarationView, HSCodeListView, HSCodeView

urlpatterns = [
    path("codes/", HSCodeListView.as_view()),
    path("codes/<slug:pk>/", HSCodeView.as_view()),
    path("declarations/<slug:reference>/", DeclarationView.as_view()),
]
