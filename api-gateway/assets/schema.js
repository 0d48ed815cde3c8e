// A JSON schema of the API document, as a list of keys that people can read.

import { h } from "./dom.js";

/** A schema behind its references, with what is said where it is referred to. */
export function resolved(schema, document) {
  const target = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0].$ref : undefined);
  if (!target) return schema;
  const name = target.split("/").at(-1);
  const { $ref, allOf, ...said } = schema;
  return { ...resolved(document.components.schemas[name], document), ...said, called: name };
}

/** What a value is, in a few words. */
export function typeOf(schema, document) {
  const one = resolved(schema, document);
  const parts = one.oneOf ?? one.anyOf;
  if (parts) return [...new Set(parts.map((part) => typeOf(part, document)))].join(" or ");
  const types = [one.type ?? (one.properties ? "object" : "anything")].flat();
  const words = types.map((type) => (type === "array" && one.items ? `list of ${typeOf(one.items, document)}` : type));
  const called = one.called && types.includes("object") ? ` ${one.called}` : "";
  return `${words.join(" or ")}${called}${one.format ? ` (${one.format})` : ""}`;
}

/** Everything that is said of a value: its description, its limits and, of an object, its keys. */
export function described(schema, document, above = []) {
  const one = resolved(schema, document);
  const said = [];
  if (one.description) said.push(prose(one.description));
  const limits = limitsOf(one);
  if (limits.length > 0) said.push(h("p", { class: "type" }, ...limits));
  // A schema within itself is not told again.
  if (one.called && above.includes(one.called)) return said;
  const path = one.called ? [...above, one.called] : above;
  const keys = Object.entries(one.properties ?? {});
  if (keys.length > 0) said.push(keyList(keys, one.required ?? [], document, path));
  const inner = [...(one.oneOf ?? one.anyOf ?? []), one.items, objectOrNone(one.additionalProperties)].filter(Boolean);
  for (const part of inner) {
    const known = resolved(part, document);
    if (known.properties || known.items || known.oneOf || known.enum) said.push(...described(part, document, path));
  }
  return said;
}

const objectOrNone = (value) => (typeof value === "object" ? value : null);

function keyList(keys, required, document, path) {
  return h("ul", { class: "keys" }, ...keys.map(([name, property]) => {
    const type = typeOf(property, document);
    const must = required.includes(name) ? null : ", optional";
    return h("li", {}, h("code", {}, name), " ", h("span", { class: "type" }, type, must), ...described(property, document, path));
  }));
}

function limitsOf(schema) {
  const limits = [];
  const say = (words, value) => value !== undefined && limits.push(limits.length > 0 ? ", " : "", words, h("code", {}, text(value)));
  if (schema.enum) schema.enum.forEach((value, index) => say(index === 0 ? "one of " : "", value));
  say("from ", schema.minimum);
  say("up to ", schema.maximum);
  say("length from ", schema.minLength ?? schema.minItems);
  say("length up to ", schema.maxLength ?? schema.maxItems);
  say("matches ", schema.pattern);
  say("default ", schema.default);
  const example = [schema.examples ?? []].flat()[0];
  if (example !== undefined && typeof example !== "object") say("for example ", example);
  return limits;
}

const text = (value) => (typeof value === "string" && value !== "" ? value : JSON.stringify(value));

/** Paragraphs, with what stands between backticks as code. */
export function prose(words) {
  const paragraphs = words.trim().split(/\n\s*\n/).map((paragraph) => {
    const pieces = paragraph.split("`").map((piece, index) => (index % 2 === 1 ? h("code", {}, piece) : piece));
    return h("p", {}, ...pieces);
  });
  return h("div", { class: "prose" }, ...paragraphs);
}
