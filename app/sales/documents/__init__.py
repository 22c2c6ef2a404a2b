"""What a buyer takes away: tickets to print (ORD-2, PRN-1) and entries for a calendar.

Documents are made from frozen contents whose every word is already chosen (`content.py`); nothing here reads a database
or decides who gets a document. What people wrote (names, titles, terms) is only ever data, never markup.
"""
