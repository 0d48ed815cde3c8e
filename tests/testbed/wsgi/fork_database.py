"""Copies a SQLite template to its place: fork_database.py SOURCE TARGET [PLACEHOLDER=URL ...].

Service addresses differ from test bed to test bed, so the template's catalog holds placeholders.
"""
import os
import sqlite3
import sys

source, target, *replacements = sys.argv[1:]
unfinished = target + ".unfinished"
if os.path.exists(unfinished):
    os.remove(unfinished)
template = sqlite3.connect(source)
copy = sqlite3.connect(unfinished)
template.backup(copy)
for replacement in replacements:
    placeholder, url = replacement.split("=", 1)
    copy.execute("UPDATE endpoint SET url = replace(url, ?, ?)", (placeholder, url))
copy.commit()
copy.execute("PRAGMA journal_mode = wal")
copy.close()
template.close()
# Source and target may be the same file (new addresses for an old test bed): only now may its log go.
for log in (target + "-wal", target + "-shm"):
    if os.path.exists(log):
        os.remove(log)
os.replace(unfinished, target)
