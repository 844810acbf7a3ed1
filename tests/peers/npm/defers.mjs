// node defers.mjs URL TOKEN QUERY -> stdout: the states of the data that each client library went through.
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { Defer20220824Handler } from "@apollo/client/incremental";
import { Client as UrqlClient, fetchExchange } from "@urql/core";

const [, , url, token, query] = process.argv;
const headers = { authorization: `Bearer ${token}` };
const found = {};

function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([name]) => name !== "__typename");
  return Object.fromEntries(kept.map(([name, inner]) => [name, plain(inner)]));
}

{
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: url, headers }),
    incrementalHandler: new Defer20220824Handler(),
  });
  found.apollo = await new Promise((resolve, reject) => {
    const states = [];
    client.watchQuery({ query: gql(query), fetchPolicy: "network-only" }).subscribe({
      next: ({ data, error, loading, networkStatus, dataState }) => {
        if (error) reject(error);
        if (data && dataState !== "empty") states.push(plain(data));
        if (dataState === "complete" && !loading) resolve(states);
      },
      error: reject,
    });
  });
  client.stop();
}

{
  const client = new UrqlClient({ url, fetchOptions: { headers }, exchanges: [fetchExchange], preferGetMethod: false });
  found.urql = await new Promise((resolve, reject) => {
    const states = [];
    client.query(query, {}).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      states.push(plain(data));
      if (!hasNext) resolve(states);
    });
  });
}

console.log(JSON.stringify(found));
process.exit(0);
