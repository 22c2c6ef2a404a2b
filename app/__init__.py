"""The box office: the Litestar application, its business domains and their wiring.

Domains, each importing only those to its left: core <- accounts <- catalog <- audience <- offers <- sales <- access
<- counter <- accounting. May import `seating`, `realtime` and `hardware`, which never import it back.
"""

import os

# Piccolo finds its engine by this name, wherever a table is first used.
os.environ.setdefault("PICCOLO_CONF", "app.piccolo_conf")
