"""Prints the ids of the images that a Glance's database has in `saving`: saving_images.py DATABASE.

For when the Glance itself cannot be asked, because its processes are frozen or gone.
"""
import sqlite3
import sys

database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=30)
for (image,) in database.execute("SELECT id FROM images WHERE status = 'saving'"):
    print(image)
