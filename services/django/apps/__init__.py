"""The applications of Parcel Tracking."""
