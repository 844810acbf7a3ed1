// Starts GraphiQL with the sample queries in tabs. Everything it needs stands in the page's `config` element.
"use strict";

const config = JSON.parse(document.getElementById("config").textContent);
const root = document.getElementById("graphiql");

function start() {
  const headers = config.headers ? JSON.stringify(config.headers, null, 2) : "";
  const tabs = config.samples.map(({ query, variables }) => ({ query, variables, headers }));
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url: config.endpoint, headers: { "graphql-client-name": "graphiql" } }),
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
