// stdin: {"subgraphs": [{"name", "url", "sdl"}]} -> stdout: {"apollo": {...}, "guild": {...}} with `supergraph` or `errors`.
import { composeServices as apolloCompose } from "@apollo/composition";
import { composeServices as guildCompose } from "@theguild/federation-composition";
import { parse } from "graphql";
import { readFileSync } from "node:fs";

const { subgraphs } = JSON.parse(readFileSync(0, "utf8"));
const read = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
const told = (errors) => (errors ?? []).map((error) => error.message);

const apollo = apolloCompose(read);
const guild = guildCompose(read);
console.log(
  JSON.stringify({
    apollo: { supergraph: apollo.supergraphSdl ?? null, errors: told(apollo.errors) },
    guild: { supergraph: guild.supergraphSdl ?? null, errors: told(guild.errors) },
  }),
);
