// node audit.mjs URL -> stdout: [{"id", "name", "status", "reason"}] of graphql-http's audits of GraphQL over HTTP.
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
