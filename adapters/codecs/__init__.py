"""Payload codecs: what stands inside a field of a reply or a request, as chains of declared steps, both ways."""
