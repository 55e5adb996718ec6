"""The admin: forms that publish, keys shown once, records, the home page."""
