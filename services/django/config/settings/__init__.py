"""Settings: `base` holds what all share; `local`, `production` and `test` are what DJANGO_SETTINGS_MODULE names."""
