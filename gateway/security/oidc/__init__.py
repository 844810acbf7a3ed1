"""OpenID Connect: who a JSON Web Token says that its bearer is, checked against the keys of issuers that are declared."""
