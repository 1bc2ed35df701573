from django.dispatch import Signal

# Arguments: parcel, scan. Sent after the scan is committed, by send_robust: a receiver's failure is logged, and is not
# the scan's.
parcel_scanned = Signal()
