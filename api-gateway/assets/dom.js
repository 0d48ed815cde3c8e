// Elements from values. Everything that comes from elsewhere becomes text: no markup is ever parsed.

/** The element of the page with this id. */
export const by = (id) => document.getElementById(id);

/** A new element; `on…` attributes are listeners, null and false are none, children are elements or texts. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A new element of an SVG. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets a text only where it differs, so that nothing is announced or selected anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A sentence that is shown, or hidden when there is none. */
export function tell(element, text) {
  say(element, text ?? "");
  element.hidden = !text;
}

/** A table: `columns` are `{title, number?, wide?}`, `rows` lists of cells, the first of which heads its row. */
export function table(caption, columns, rows) {
  const looks = ({ number, wide }) => [number && "number", wide && "wide"].filter(Boolean).join(" ") || null;
  const head = columns.map((column) => h("th", { scope: "col", class: looks(column) }, column.title));
  const body = rows.map((cells) =>
    h("tr", {}, ...cells.map((cell, index) => {
      const content = Array.isArray(cell) ? cell : [cell];
      const attributes = { class: looks(columns[index]) };
      return index === 0 ? h("th", { scope: "row", ...attributes }, ...content) : h("td", attributes, ...content);
    })));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${caption}, as a table` },
    h("table", {}, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body)));
}

/** A time as people here read it, with the exact one behind it. */
export const time = (iso, text) => h("time", { datetime: iso, title: iso }, text);
