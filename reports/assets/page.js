// Draws figures when they come into view, follows the chosen pair and the colour scheme, sorts tables, saves them as CSV.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const read = (id) => JSON.parse(byId(id).textContent);
  const { template, figures } = read("figure-data");
  const { first, pairs } = read("pair-data");
  const config = {
    displaylogo: false, showSendToCloud: false, responsive: true, plotlyServerURL: "", showTips: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };
  const drawn = new Set();
  document.documentElement.classList.add("js");

  // --- figures: one template, coloured from the style sheet ---------------------------------------------------------
  const themed = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), tickcolor: colour("--line") };
    const layout = template.layout;
    return {
      layout: {
        ...layout,
        font: { ...layout.font, color: colour("--ink") },
        xaxis: { ...layout.xaxis, ...axis },
        yaxis: { ...layout.yaxis, ...axis },
        hoverlabel: { ...layout.hoverlabel, bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
        modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: colour("--muted"), activecolor: colour("--accent") },
      },
    };
  };
  const draw = (id) => {
    const { data, layout } = figures[id];
    drawn.add(id);
    return Plotly.react(byId(id), data, { ...layout, template: themed() }, config);
  };
  const redraw = () => drawn.forEach(draw);
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target.id)) draw(entry.target.id);
    }
  }, { rootMargin: "300px" });
  all(".figure").forEach((box) => watcher.observe(box));

  const press = (button) => all("button", button.parentElement).forEach((other) => {
    other.setAttribute("aria-pressed", String(other === button));
  });
  all(".tools button").forEach((button) => button.addEventListener("click", () => {
    const id = button.parentElement.dataset.for;
    const figure = figures[id];
    press(button);
    if (button.dataset.scale) {
      const log = button.dataset.scale === "log";
      figure.layout.xaxis.type = button.dataset.scale;
      figure.layout.xaxis.dtick = log ? 1 : null;
      figure.layout.barmode = log ? "group" : "stack";
      delete figure.layout.xaxis.range;
      delete figure.layout.xaxis.autorange;
    }
    if (button.dataset.ranges) {
      figure.data.forEach((trace) => { if (trace.error_x) trace.error_x.visible = button.dataset.ranges === "on"; });
    }
    if (button.dataset.show) {
      figure.data.forEach((trace, k) => {
        if (trace.type === "heatmap") trace.visible = String(k) === button.dataset.show;
      });
    }
    draw(id);
  }));

  // --- the chosen pair ---------------------------------------------------------------------------------------------
  const model = byId("pick-model"), target = byId("pick-target");
  const choose = (pair) => {
    all(".panel").forEach((panel) => { panel.hidden = panel.dataset.pair !== pair; });
    all(".pick").forEach((link) => link.closest("td").classList.toggle("chosen", link.dataset.pair === pair));
    if (pairs[pair]) [model.value, target.value] = pairs[pair].map(String);
    all(".nopair").forEach((line) => line.remove());
    if (!pairs[pair]) {
      all("section").filter((s) => s.querySelector(".panel")).forEach((section) => {
        const line = document.createElement("p");
        line.className = "empty nopair";
        line.textContent = "This network was not taken to this target in this comparison.";
        section.append(line);
      });
    }
  };
  const chosen = () => Object.keys(pairs).find((pair) => pairs[pair].join() === `${model.value},${target.value}`);
  [model, target].forEach((select) => select.addEventListener("change", () => choose(chosen() || "")));
  all(".pick").forEach((link) => link.addEventListener("click", () => choose(link.dataset.pair)));
  const linked = () => (byId(location.hash.slice(1)) || document.body).dataset.pair;
  window.addEventListener("hashchange", () => linked() && choose(linked()));
  if (Object.keys(pairs).length) {
    byId("picker").hidden = false;
    choose(linked() || first);
    if (linked()) byId(location.hash.slice(1)).scrollIntoView();
  }

  // --- light and dark -----------------------------------------------------------------------------------------------
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (name) => {
    document.documentElement.dataset.theme = name;
    redraw();
  };
  const button = byId("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
    theme(now === "dark" ? "light" : "dark");
  });
  dark.addEventListener("change", redraw);
  let before = "";
  window.addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme || "";
    theme("light");
    all(".figure").filter((box) => box.offsetParent && !drawn.has(box.id)).forEach((box) => draw(box.id));
  });
  window.addEventListener("afterprint", () => {
    if (before) theme(before);
    else { delete document.documentElement.dataset.theme; redraw(); }
  });

  // --- tables: sort by column, save as CSV --------------------------------------------------------------------------
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
  all("table.sortable").forEach((table) => all("thead th", table).forEach((head, column) => {
    const control = document.createElement("button");
    control.type = "button";
    control.append(...head.childNodes);
    head.append(control);
    control.addEventListener("click", () => sort(table, column, head));
  }));

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
  const save = (table) => {
    const head = all("thead th", table).map((th) => field(th.dataset.name || th.textContent.trim()));
    const columns = head.map((_, column) => column);
    const body = Array.from(table.tBodies[0].rows).map((row) => columns.map((column) => field(exported(cellAt(row, column)))));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([[head, ...body].map((line) => line.join(",")).join("\n") + "\n"], { type: "text/csv" }));
    link.download = `${table.id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  all("table.data[id]").forEach((table) => {
    const control = document.createElement("button");
    control.type = "button";
    control.className = table.caption ? "csv over" : "csv";
    control.textContent = "CSV";
    control.title = "Save this table as CSV";
    control.addEventListener("click", () => save(table));
    table.parentElement.before(control);
  });

  // --- the section in view ------------------------------------------------------------------------------------------
  const links = new Map(all("nav.side a").map((link) => [link.hash.slice(1), link]));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) links.get(entry.target.id).classList.toggle("here", entry.isIntersecting);
  }, { rootMargin: "-25% 0px -65% 0px" });
  all("main > section").forEach((section) => spy.observe(section));
})();
