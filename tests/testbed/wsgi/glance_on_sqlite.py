"""Glance as uwsgi loads it, on a SQLite database that several threads write to.

oslo.db opens every transaction with a plain BEGIN. In SQLite that takes no lock until the first write,
and of two transactions that both read first the second to write fails at once, however long its busy
timeout is. BEGIN IMMEDIATE asks for the write lock up front, where waiting is possible.
"""
import immediate_transactions

immediate_transactions.install()

from glance.wsgi.api import application  # noqa: E402,F401 (must come after the line above)
