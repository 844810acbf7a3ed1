"""Event streams of remote subgraphs: graphql-transport-ws and server-sent events, behind one way to open them."""
