// Tables: sort by a column, keep the rows that hold a word, save as CSV. `dress` equips every table under a root.
const neurobinTables = (() => {
  "use strict";
  const all = (selector, root) => Array.from(root.querySelectorAll(selector));
  const LONG = 30; // rows from which a table can be searched

  const value = (cell) => {
    if (!cell) return "";
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v || cell.textContent.replaceAll(" ", ""));
    return cell.classList.contains("none") ? "" : cell.textContent.trim();
  };
  const cellAt = (row, column) => { // undefined in the columns that a wide cell covers after its first
    let at = 0;
    for (const cell of row.cells) {
      if (at === column) return cell;
      at += cell.colSpan;
    }
    return undefined;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const sort = (table, column, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map((row, index) => ({ row, index, key: value(cellAt(row, column)) }));
    rows.sort((a, b) => {
      if ((a.key === "") !== (b.key === "")) return a.key === "" ? 1 : -1; // what is missing stays last
      return (down ? -1 : 1) * compare(a.key, b.key) || a.index - b.index;
    });
    all("th", table.tHead).forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows.map((entry) => entry.row));
  };
  const sortable = (table) => all("thead th", table).forEach((head, column) => {
    const control = document.createElement("button");
    control.type = "button";
    control.append(...head.childNodes);
    head.append(control);
    control.addEventListener("click", () => sort(table, column, head));
  });

  const field = (content) => {
    if (typeof content === "number") return String(content);
    const safe = /^ *[=+\-@\t\r\n\0\uFF1D\uFF0B\uFF0D\uFF20]/.test(content) ? `'${content}` : content; // no formulas
    return `"${safe.replaceAll('"', '""')}"`;
  };
  const exported = (cell) => {
    if (!cell || !cell.classList.contains("left")) return value(cell);
    const reasons = all("li", cell).map((item) => item.textContent);
    return reasons.length ? `✗ refused: ${reasons.join("; ")}` : cell.textContent.trim();
  };
  const csv = (table) => {
    const head = all("thead th", table).map((th) => field(th.dataset.name || th.textContent.trim()));
    const columns = head.map((_, column) => column);
    const rows = Array.from(table.tBodies[0].rows).filter((row) => !row.hidden);
    const body = rows.map((row) => columns.map((column) => field(exported(cellAt(row, column)))));
    return [head, ...body].map((line) => line.join(",")).join("\n") + "\n";
  };
  const save = (table) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
    link.download = `${table.id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const search = (table) => {
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "only rows with …";
    input.setAttribute("aria-label", "Show only the rows that hold these words");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    return input;
  };

  const dress = (root) => {
    all("table.sortable", root).forEach(sortable);
    all("table.data[id]", root).forEach((table) => {
      const long = table.tBodies[0].rows.length > LONG;
      const bar = document.createElement("div");
      bar.className = table.caption && !long ? "own over" : "own";
      const control = document.createElement("button");
      control.type = "button";
      control.className = "csv";
      control.textContent = "CSV";
      control.title = "Save the rows shown as CSV";
      control.addEventListener("click", () => save(table));
      bar.append(...(long ? [search(table)] : []), control);
      table.parentElement.before(bar);
    });
  };
  return { dress };
})();
