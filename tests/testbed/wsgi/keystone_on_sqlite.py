"""Keystone as uwsgi loads it, on a SQLite database that several threads write to.

The reason for the patch stands in glance_on_sqlite.py.
"""
import immediate_transactions

immediate_transactions.install()

from keystone.wsgi.api import application  # noqa: E402,F401 (must come after the line above)
