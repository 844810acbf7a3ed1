// Starts GraphiQL with the sample queries in tabs. Everything it needs stands in the page's `config` element.
"use strict";

const config = JSON.parse(document.getElementById("config").textContent);
const root = document.getElementById("graphiql");
const CLIENT = { "graphql-client-name": "graphiql" };

const ask = typeof GraphiQL === "function" ? GraphiQL.createFetcher({ url: config.endpoint, headers: CLIENT }) : null;

// One POST for each subscription, answered by server-sent events.
async function* events(body, headers) {
  const leaving = new AbortController();
  try {
    const response = await fetch(config.endpoint, {
      method: "POST",
      headers: { ...CLIENT, ...headers, "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    if (!response.headers.get("content-type").startsWith("text/event-stream")) {
      yield await response.json();
      return;
    }
    let rest = "";
    for await (const chunk of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        if (block.startsWith("event: complete")) return;
        const data = block.split("\n").find((line) => line.startsWith("data: "));
        if (data) yield JSON.parse(data.slice(6));
      }
    }
  } finally {
    leaving.abort();
  }
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}

function isSubscription(query, name) {
  const named = name ? `\\bsubscription\\s+${name}\\b` : "^\\s*(#[^\\n]*\\n\\s*)*subscription\\b";
  return new RegExp(named).test(query);
}

function fetcher(body, options = {}) {
  return isSubscription(body.query, body.operationName) ? events(body, options.headers) : ask(body, options);
}

function start() {
  const headers = config.headers ? JSON.stringify(config.headers, null, 2) : "";
  const tabs = config.samples.map(({ query, variables }) => ({ query, variables, headers }));
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: tabs.length ? tabs : undefined,
      defaultHeaders: headers,
      defaultEditorToolsVisibility: headers ? "headers" : true,
      isHeadersEditorEnabled: true,
      // A token is never written to the browser's storage.
      shouldPersistHeaders: false,
    }),
  );
}

if (typeof React === "object" && typeof ReactDOM === "object" && typeof GraphiQL === "function") {
  start();
} else {
  document.body.className = "notice";
  root.innerHTML = "";
  const main = document.createElement("main");
  main.textContent =
    "GraphiQL's files could not be loaded. Run scripts/fetch-graphiql on the gateway's machine, then load this page again. " +
    "无法加载 GraphiQL 文件：请在网关所在机器上运行 scripts/fetch-graphiql，然后刷新本页。";
  root.append(main);
}
