"""Who may come in: organisers, people with their passwords and roles, web sessions, and the venue's devices.

Owns BOX-1's operators and DEV-1's registrations. Never touches what is sold.
"""
