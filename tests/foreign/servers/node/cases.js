// Cases over npm's `soap`: /document and /rpc by the WSDL of that name, /document12 answering in SOAP 1.2 envelopes.
const fs = require("fs");
const http = require("http");
const path = require("path");
const soap = require("soap");

const DETAIL = { code: "E404", hint: "无此办件" };

function found(number, soap12) {
  if (number.startsWith("BROKEN")) throw fault("Server", "database is down", {}, soap12);
  if (number.startsWith("NONE")) throw fault("Client", "no such case", DETAIL, soap12);
  const steps = [{ at: "2017-05-01T10:00:00", name: "受理" }];
  if (!number.endsWith("1")) steps.push({ at: "2017-05-02T11:00:00", name: "审查" });
  return {
    number,
    state: "A",
    appliedAt: "2017-05-01T10:00:00",
    title: number.endsWith("0") ? null : `超限运输许可 ${number}`,
    step: steps,
    paper: Buffer.from(`批准文书 ${number}`).toString("base64"),
  };
}

function fault(code, message, detail, soap12) {
  if (!soap12) return { Fault: { faultcode: `soap:${code}`, faultstring: message, detail } };
  const role = code === "Server" ? "Receiver" : "Sender";
  return { Fault: { Code: { Value: `soap:${role}` }, Reason: { Text: message }, Detail: detail } };
}

function listed(holder) {
  return holder === "nobody" ? [] : ["N0", "N1", "N2"].map((number) => found(number, false));
}

const text = (value) => (typeof value === "object" ? value.$value : value);
const documentPort = (soap12) => ({
  getCase: (asked) => ({ case: found(text(asked.number), soap12) }),
  listCases: (asked) => ({ case: listed(text(asked.holder)) }),
});
const rpcPort = {
  getCase: (asked) => ({ case: found(text(asked.number), false) }),
  listCases: (asked) => ({ cases: { case: listed(text(asked.holder)) } }),
};
const both = (port) => ({ Cases: { Port11: port, Port12: port } });
const wsdl = (name) => fs.readFileSync(path.join(process.env.FOREIGN_WSDLS, `${name}.wsdl`), "utf8");

const server = http.createServer((_request, response) => {
  response.statusCode = 404;
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  soap.listen(server, { path: "/document", services: both(documentPort(false)), xml: wsdl("document") });
  soap.listen(server, { path: "/rpc", services: both(rpcPort), xml: wsdl("rpc") });
  soap.listen(server, {
    path: "/twelve", services: both(documentPort(true)), xml: wsdl("document"), forceSoap12Headers: true,
  });
  console.log(`PORT ${server.address().port}`);
});
process.stdin.on("end", () => process.exit(0)).resume(); // ends with whoever started it
