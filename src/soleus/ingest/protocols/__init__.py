"""Bytes to samples, one module a pod family.

A module that holds ``FAMILIES``, a tuple of :class:`~soleus.ingest.protocols.family.Family`, is found by
:mod:`~soleus.ingest.protocols.registry` without further ado; ``docs/pods.md`` tells how to add one.
"""
