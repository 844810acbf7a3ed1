// Hive Gateway: sends x-n on. Everything else is its default.
export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => {
      const n = request.headers.get("x-n");
      return n ? { "x-n": n } : {};
    },
  },
};
