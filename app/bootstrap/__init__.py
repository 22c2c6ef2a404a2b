"""From a bare checkout to a running command: virtual environment, browser code, Chromium.

Owns what `./placeur` does before any of our dependencies can be imported, hence the standard library only. Every step
knows by itself whether it is still needed (a stamp is the hash of what it was made from), so that a second start does
nothing here. It never touches the box office or its data.
"""
