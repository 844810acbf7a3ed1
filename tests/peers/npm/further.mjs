// node further.mjs URL TOKEN QUERY SUBSCRIPTION COUNT MUTATION -> stdout: persisted queries, mutations, a single connection
// of events, ends and refusals, as each client library was given them.
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client as UrqlClient, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import { createHash } from "node:crypto";
import WebSocket from "ws";

const [, , url, token, query, subscription, count, mutation] = process.argv;
const wanted = Number(count);
const headers = { authorization: `Bearer ${token}` };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const found = { sent: [] };

async function several(events, most = wanted) {
  const got = [];
  for await (const event of events) {
    got.push(event);
    if (got.length === most) break;
  }
  return got;
}

// what goes out, to see that a hash alone is enough the second time
async function spying(address, options) {
  const body = options.body ? JSON.parse(options.body) : null;
  found.sent.push({ method: options.method, hasQuery: body ? "query" in body : String(address).includes("query=") });
  return fetch(address, options);
}

// @apollo/client
for (const useGETForHashedQueries of [false, true]) {
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(
    new HttpLink({ uri: url, headers, fetch: spying }),
  );
  const client = new ApolloClient({ cache: new InMemoryCache(), link, defaultOptions: { query: { fetchPolicy: "no-cache" } } });
  const name = useGETForHashedQueries ? "apolloPersistedByGet" : "apolloPersisted";
  found[name] = [];
  for (let times = 0; times < 2; times += 1) found[name].push((await client.query({ query: gql(query) })).data);
  client.stop();
}
{
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: url, headers }) });
  const { error } = await client.mutate({ mutation: gql(mutation), errorPolicy: "all" });
  found.apolloMutation = error.errors.map((one) => one.extensions.code);
  client.stop();
}

// urql
{
  const shared = { url, fetchOptions: { headers }, preferGetMethod: false };
  const persisted = new UrqlClient({
    ...shared,
    exchanges: [persistedExchange({ generateHash: async (text) => sha256(text), preferGetForPersistedQueries: false }), fetchExchange],
  });
  found.urqlPersisted = [];
  for (let times = 0; times < 2; times += 1) {
    found.urqlPersisted.push((await persisted.query(query, {}, { requestPolicy: "network-only" }).toPromise()).data);
  }
  const plain = new UrqlClient({ ...shared, exchanges: [fetchExchange] });
  const { error } = await plain.mutation(mutation, {}).toPromise();
  found.urqlMutation = error.graphQLErrors.map((one) => one.extensions.code);
}

// graphql-sse over one connection
{
  const client = createSse({ url: `${url}/stream`, headers, singleConnection: true, retryAttempts: 0 });
  const [one, events] = await Promise.all([
    several(client.iterate({ query })),
    several(client.iterate({ query: subscription })),
  ]);
  found.singleQuery = one;
  found.singleEvents = events;
  client.dispose();
  const stranger = createSse({ url: `${url}/stream`, headers: { authorization: "Bearer nobody" }, singleConnection: true, retryAttempts: 0 });
  found.singleStranger = await several(stranger.iterate({ query })).catch((error) => error.response?.status ?? String(error));
  stranger.dispose();
}

// graphql-sse, a connection for each operation
{
  const stranger = createSse({ url, headers: { authorization: "Bearer nobody" }, retryAttempts: 0 });
  found.sseStranger = await several(stranger.iterate({ query })).catch((error) => error.response?.status ?? String(error));
  stranger.dispose();
}

// graphql-ws: a mutation, an end by the client, and two operations at once
{
  const client = createWs({
    url: url.replace(/^http/, "ws"),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: headers.authorization },
    retryAttempts: 0,
  });
  const [answer] = await several(client.iterate({ query: mutation }));
  found.wsMutation = answer.errors.map((one) => one.extensions.code);
  const events = client.iterate({ query: subscription });
  await events.next();
  await events.return();
  found.wsEnded = (await events.next()).done;
  const both = await Promise.all([several(client.iterate({ query })), several(client.iterate({ query }))]);
  found.wsTwo = both.map(([one]) => one.data);
  await client.dispose();
}

console.log(JSON.stringify(found));
process.exit(0);
