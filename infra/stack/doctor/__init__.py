"""`make doctor`: walks the chain in the order a line takes, and names the first hop that is broken.

A hop is a module here; its CHECKS are asked in their order. Each asks one thing of the running stack and gives a
Finding; it may raise RuntimeFailure or httpx.HTTPError, which is one too (walk.py).
"""
