// node clients.mjs URL TOKEN QUERY SUBSCRIPTION COUNT -> stdout: what each client library was given.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const [, , url, token, query, subscription, count] = process.argv;
const wanted = Number(count);
const headers = { authorization: `Bearer ${token}` };
const socketUrl = url.replace(/^http/, "ws");
const found = {};
// urql aborts its fetch when it unsubscribes, and nobody takes what that rejects
process.on("unhandledRejection", (error) => {
  if (error?.name !== "AbortError") throw error;
});

async function several(events) {
  const got = [];
  for await (const event of events) {
    got.push(event);
    if (got.length === wanted) break;
  }
  return got;
}

function sockets(authorization) {
  return createWs({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  });
}

// graphql-ws
{
  const client = sockets(headers.authorization);
  found.wsQuery = await several(client.iterate({ query })).then(([one]) => one);
  found.wsEvents = await several(client.iterate({ query: subscription }));
  found.wsInvalid = await several(client.iterate({ query: "{ noSuchField }" })).catch((errors) => errors);
  await client.dispose();
  const stranger = sockets("Bearer not-a-token");
  found.wsStranger = await several(stranger.iterate({ query })).catch(({ code }) => code);
  await stranger.dispose();
}

// graphql-ws, over a connection that breaks
{
  let opened = 0;
  let last;
  const client = createWs({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: headers.authorization },
    retryAttempts: 3,
    retryWait: async () => {},
    on: {
      connected: (socket) => {
        opened += 1;
        last = socket;
      },
    },
  });
  const events = client.iterate({ query: subscription });
  await events.next();
  last.terminate();
  await events.next();
  await events.return();
  await client.dispose();
  found.wsReconnected = opened;
}

// graphql-sse, a connection for each operation
{
  const client = createSse({ url, headers, retryAttempts: 0 });
  found.sseQuery = await several(client.iterate({ query })).then(([one]) => one);
  found.sseEvents = await several(client.iterate({ query: subscription }));
  found.sseInvalid = await several(client.iterate({ query: "{ noSuchField }" })).catch((error) => String(error));
  client.dispose();
}

// @apollo/client: queries by HTTP, subscriptions by graphql-ws
{
  const socket = sockets(headers.authorization);
  const isSubscription = ({ operationType }) => operationType === "subscription";
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(isSubscription, new GraphQLWsLink(socket), new HttpLink({ uri: url, headers })),
  });
  found.apolloQuery = (await client.query({ query: gql(query) })).data;
  found.apolloEvents = await new Promise((resolve, reject) => {
    const got = [];
    const running = client.subscribe({ query: gql(subscription) }).subscribe({
      next: ({ data }) => {
        got.push(data);
        if (got.length === wanted) {
          running.unsubscribe();
          resolve(got);
        }
      },
      error: reject,
    });
  });
  client.stop();
  await socket.dispose();
}

// @urql/core: subscriptions by its own fetch exchange (server-sent events), and by graphql-ws
{
  const collect = (client) =>
    new Promise((resolve) => {
      const got = [];
      const running = client.subscription(subscription, {}).subscribe(({ data, error }) => {
        got.push(data ?? String(error));
        if (got.length === wanted) {
          queueMicrotask(() => running.unsubscribe());
          resolve(got);
        }
      });
    });
  const shared = { url, fetchOptions: { headers } };
  const byFetch = new UrqlClient({ ...shared, exchanges: [fetchExchange], fetchSubscriptions: true });
  found.urqlQuery = (await byFetch.query(query, {}).toPromise()).data;
  found.urqlEvents = await collect(byFetch);
  const socket = sockets(headers.authorization);
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink) }),
  });
  const bySocket = new UrqlClient({ ...shared, exchanges: [subscriptionExchange({ forwardSubscription })] });
  found.urqlSocketEvents = await collect(bySocket);
  await socket.dispose();
}

console.log(JSON.stringify(found));
process.exit(0);
