"""How the gateway shows a system who it is: fixed credentials, tokens, login sessions, signatures, TLS, WS-Security."""
