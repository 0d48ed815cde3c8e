// The API document of this gateway as a page: every operation with its parameters, its body and its answers.

import { send } from "./api.js";
import { by, h, say, tell } from "./dom.js";
import { described, prose, resolved, typeOf } from "./schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

async function show() {
  const document = await (await send("/openapi.json")).json();
  say(by("title"), `The API of ${document.info.title}`);
  by("about").append(prose(document.info.description ?? ""));
  const operations = operationsOf(document);
  // In the document's own order; what has no tag comes last.
  const named = (document.tags ?? []).map((tag) => tag.name);
  const tags = [...new Set([...named, ...operations.map((operation) => operation.tag)])];
  for (const tag of tags) {
    const those = operations.filter((operation) => operation.tag === tag);
    const about = document.tags?.find((one) => one.name === tag)?.description;
    const id = `tag-${tag.replaceAll(" ", "-")}`;
    by("contents").append(h("h2", {}, title(tag)), h("ul", {}, ...those.map(entry)));
    by("operations").append(h("section", { "aria-labelledby": id, "data-tag": tag },
      h("h2", { id }, title(tag)), about ? prose(about) : null, ...those.map((operation) => card(operation, document))));
  }
  by("find").addEventListener("input", () => find(operations));
  // The browser has looked for the place before it was there.
  if (location.hash) window.document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => {
      const operation = methods[method];
      const parameters = [...(methods.parameters ?? []), ...(operation.parameters ?? [])];
      return { ...operation, method, path, parameters, tag: operation.tags?.[0] ?? "this document" };
    }));
}

const title = (text) => text[0].toUpperCase() + text.slice(1);

function entry(operation, _, all) {
  // The same of another version.
  const isOne = all.filter((other) => other.summary === operation.summary).length === 1;
  const version = isOne ? null : h("span", { class: "type" }, ` ${operation.path.split("/")[1]}`);
  return h("li", { "data-entry": operation.operationId }, h("a", { href: `#${operation.operationId}` }, operation.summary, version));
}

function card(operation, document) {
  const id = `title-${operation.operationId}`;
  const needsToken = (operation.security ?? document.security ?? []).some((one) => Object.keys(one).length > 0);
  return h("article", { class: "card operation", id: operation.operationId, "aria-labelledby": id },
    h("h3", { id }, operation.summary),
    h("p", { class: "path" }, h("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()), " ", h("code", {}, operation.path)),
    operation.description ? prose(operation.description) : null,
    needsToken ? null : h("p", { class: "type" }, "Needs no token."),
    ...parametersOf(operation, document), ...bodyOf(operation, document), ...answersOf(operation, document));
}

function parametersOf(operation, document) {
  if (operation.parameters.length === 0) return [];
  return [h("h4", {}, "Parameters"), h("ul", { class: "keys" }, ...operation.parameters.map((parameter) =>
    h("li", { "data-parameter": parameter.name }, h("code", {}, parameter.name), " ",
      h("span", { class: "type" }, `${typeOf(parameter.schema, document)}, in the ${parameter.in}${parameter.required ? "" : ", optional"}`),
      prose(parameter.description ?? ""), ...described({ ...resolved(parameter.schema, document), description: undefined }, document))))];
}

function bodyOf(operation, document) {
  const body = operation.requestBody;
  if (!body) return [];
  return [h("h4", {}, "Body"), body.description ? prose(body.description) : null,
    ...Object.entries(body.content).flatMap(([mediaType, { schema }]) => contentOf(mediaType, schema, document))];
}

function answersOf(operation, document) {
  return [h("h4", {}, "Answers"), ...Object.entries(operation.responses).map(([code, answer]) => {
    const look = code < 300 ? "good" : code < 500 ? "warn" : "bad";
    const first = answer.description.split(/(?<=\.)\s/)[0];
    return h("details", { "data-answer": code, open: code < 300 },
      h("summary", {}, h("span", { class: `pill ${look}` }, code), " ", first.replaceAll("`", "")),
      h("div", {}, first === answer.description ? null : prose(answer.description), ...headersOf(answer, document),
        ...Object.entries(answer.content ?? {}).flatMap(([mediaType, { schema }]) => contentOf(mediaType, schema, document))));
  })];
}

function headersOf(answer, document) {
  const headers = Object.entries(answer.headers ?? {});
  if (headers.length === 0) return [];
  return [h("ul", { class: "keys" }, ...headers.map(([name, header]) =>
    h("li", {}, h("code", {}, name), " ", h("span", { class: "type" }, header.schema ? typeOf(header.schema, document) : "text", ", header"),
      prose(header.description ?? ""))))];
}

function contentOf(mediaType, schema, document) {
  if (!schema) return [h("p", { class: "type" }, mediaType)];
  const example = [resolved(schema, document).examples ?? []].flat()[0];
  return [h("p", { class: "type" }, `${mediaType}: ${typeOf(schema, document)}`), ...described(schema, document),
    typeof example === "object" ? h("pre", { tabindex: "0", "aria-label": "An example" }, JSON.stringify(example, null, 2)) : null];
}

/** Leaves what has all the words in its path, names or texts. */
function find(operations) {
  const words = by("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const operation of operations) {
    const texts = [operation.summary, operation.description, operation.path, operation.method, operation.operationId,
      ...operation.parameters.map((parameter) => parameter.name)].join(" ").toLowerCase();
    const isFound = words.every((word) => texts.includes(word));
    count += Number(isFound);
    by(operation.operationId).hidden = !isFound;
    document.querySelector(`[data-entry="${operation.operationId}"]`).hidden = !isFound;
  }
  for (const section of document.querySelectorAll("[data-tag]")) section.hidden = !section.querySelector("article:not([hidden])");
  say(by("found"), `${count} operations`);
}

show().catch((error) => tell(by("trouble"), error.message));
