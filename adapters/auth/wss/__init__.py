"""WS-Security 1.0/1.1 in SOAP envelopes: UsernameToken, Timestamp, X.509 signatures and their verification."""
