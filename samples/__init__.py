"""The sample city: stand-ins for a city's legacy approval systems, each a process of its own with real HTTP.

Nothing here is imported by the gateway; it is reached over the network like any other system.
"""
