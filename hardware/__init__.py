"""Everything with a plug: codes on tickets, printers and their languages, print jobs, scanners, and their hub.

What it owns
    The code printed on a ticket and the proof that it is ours (`ticket_code`), the words devices and hub say to each
    other (`protocol`), the hub of a venue (`hub`), the agent that sits beside printers and gates (`agent`), what may
    happen to a print job (`print_jobs`) and the agent's memory of it (`spool`), one file per printer language
    (`printers/`), one per way to reach a printer (`transports/`), a network printer for demos and tests
    (`virtual_printer`), key files (`keys`).

What it never touches
    PostgreSQL, Redis, HTTP, money, seats and orders. The hub is handed its business as a `HubDesk`; labels arrive with
    every text already in the customer's language. It imports neither `app` nor `seating` nor `realtime`.
    aiozmq and pyzmq are spoken to by `hardware/sockets.py` alone.
"""
