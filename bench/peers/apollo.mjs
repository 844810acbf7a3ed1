// Apollo Gateway over supergraph.graphql in the working folder; sends x-n on. PORT from the environment.
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { readFileSync } from "node:fs";

class Passing extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.n) request.http.headers.set("x-n", context.n);
  }
}

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync("supergraph.graphql", "utf8"),
  buildService: ({ url }) => new Passing({ url }),
});
const server = new ApolloServer({ gateway, csrfPrevention: false });
await startStandaloneServer(server, {
  listen: { port: Number(process.env.PORT), host: "127.0.0.1" },
  context: async ({ req }) => ({ n: req.headers["x-n"] }),
});
