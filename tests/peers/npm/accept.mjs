// stdin: a supergraph of ours -> stdout: {"apollo": null or why not, "apolloApi", "hive", "guild"}.
import { Supergraph } from "@apollo/federation-internals";
import { QueryPlanner } from "@apollo/query-planner";
import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { transformSupergraphToPublicSchema } from "@theguild/federation-composition";
import { parse, printSchema } from "graphql";
import { readFileSync } from "node:fs";

const sdl = readFileSync(0, "utf8");
const found = {};
function attempt(name, work) {
  try {
    found[name] = work() ?? null;
  } catch (error) {
    found[name] = String(error.message);
  }
}

attempt("apollo", () => {
  const supergraph = Supergraph.build(sdl, { supportedFeatures: null });
  new QueryPlanner(supergraph);
  found.apolloApi = printSchema(supergraph.apiSchema().toGraphQLJSSchema());
});
attempt("hive", () => void getStitchedSchemaFromSupergraphSdl({ supergraphSdl: sdl }));
attempt("guild", () => void transformSupergraphToPublicSchema(parse(sdl)));
console.log(JSON.stringify(found));
