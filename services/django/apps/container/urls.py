from django.urls import path

from .views import ArriveView, ConsignmentListView, ConsignmentParcelsView, ConsignmentView, DepartView

urlpatterns = [
    path("", ConsignmentListView.as_view(), name="consignments"),
    path("<slug:reference>/", ConsignmentView.as_view(), name="consignment"),
    path("<slug:reference>/parcels/", ConsignmentParcelsView.as_view(), name="consignment-parcels"),
    path("<slug:reference>/depart/", DepartView.as_view(), name="consignment-depart"),
    path("<slug:reference>/arrive/", ArriveView.as_view(), name="consignment-arrive"),
]
