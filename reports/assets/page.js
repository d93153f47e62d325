// Draws figures when they come into view, unpacks and shows the chosen pair, follows the colour scheme.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const read = (id) => JSON.parse(byId(id).textContent);
  const { template, figures } = read("figure-data");
  const { first, pairs } = read("pair-data");
  const packs = read("pack-data");
  const config = {
    displaylogo: false, showSendToCloud: false, responsive: true, plotlyServerURL: "", showTips: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };
  const drawn = new Set();
  document.documentElement.classList.add("js");

  // --- what is packed, Plotly first ---------------------------------------------------------------------------------
  const unpack = async (packed) => {
    const decoded = atob(packed), bytes = new Uint8Array(decoded.length);
    for (let k = 0; k < decoded.length; k += 1) bytes[k] = decoded.charCodeAt(k);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const plotly = unpack(byId("plotly-pack").textContent).then((text) => {
    const script = document.createElement("script");
    script.textContent = text; // the policy's hash decides whether it runs
    document.head.append(script);
  });

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
  const draw = async (id) => {
    drawn.add(id);
    if (!globalThis.Plotly) await plotly; // drawn at once where it is there: printing does not wait
    const { data, layout } = figures[id];
    return Plotly.react(byId(id), data, { ...layout, template: themed() }, config);
  };
  const shown = (box) => box && box.offsetParent !== null;
  const redraw = () => drawn.forEach((id) => {
    if (shown(byId(id))) draw(id);
    else drawn.delete(id); // drawn again when it comes into view
  });
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target.id)) draw(entry.target.id);
    }
  }, { rootMargin: "300px" });

  const press = (button) => all("button", button.parentElement).forEach((other) => {
    other.setAttribute("aria-pressed", String(other === button));
  });
  const change = (button) => {
    const figure = figures[button.parentElement.dataset.for];
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
    if (button.dataset.group) {
      figure.data.forEach((trace) => { if (trace.meta) trace.visible = trace.meta === button.dataset.group; });
      for (const axis of [figure.layout.xaxis, figure.layout.yaxis]) {
        delete axis.range;
        delete axis.autorange;
      }
    }
    draw(button.parentElement.dataset.for);
  };

  // --- what comes into the page, at first and later -----------------------------------------------------------------
  const dress = (root) => {
    neurobinTables.dress(root);
    all(".figure", root).forEach((box) => watcher.observe(box));
    all(".tools button", root).forEach((button) => button.addEventListener("click", () => change(button)));
  };
  const place = (parts) => parts.forEach((part) => {
    Object.assign(figures, part.figures);
    const template = document.createElement("template");
    template.innerHTML = part.html;
    const elements = Array.from(template.content.children);
    elements.forEach((element) => { element.hidden = element.dataset.pair !== undefined && element.dataset.pair !== wanted; });
    byId(part.at).append(...elements);
    elements.forEach(dress);
  });
  const loading = new Map(); // key of a pack -> promise: no pack is unpacked twice
  const load = (key) => {
    if (!loading.has(key)) {
      loading.set(key, packs[key] ? unpack(packs[key]).then((text) => place(JSON.parse(text))) : Promise.resolve());
    }
    return loading.get(key);
  };
  const say = (place, words) => {
    const line = document.createElement("p");
    line.className = "empty said";
    line.textContent = words;
    place.append(line);
  };
  const sorry = (place, error) => say(place, `This browser could not unpack what belongs here (${error.message}); one of 2023 or later can.`);
  dress(document);
  plotly.catch((error) => all(".figure").forEach((box) => { box.style.height = "auto"; sorry(box, error); }));
  all("details[data-pack]").forEach((fold) => fold.addEventListener("toggle", () => {
    if (fold.open) load(fold.dataset.pack).catch((error) => sorry(fold, error));
  }));

  // --- the chosen pair ---------------------------------------------------------------------------------------------
  const model = byId("pick-model"), target = byId("pick-target");
  let wanted = first;
  const choose = async (pair) => {
    wanted = pair;
    all(".pick").forEach((link) => link.closest("td").classList.toggle("chosen", link.dataset.pair === pair));
    if (pairs[pair]) [model.value, target.value] = pairs[pair].map(String);
    let problem = pairs[pair] ? null : "This network was not taken to this target in this comparison.";
    try {
      await load(pair);
    } catch (error) {
      problem = error;
    }
    if (wanted !== pair) return; // another one was chosen meanwhile
    all(".panels > .said").forEach((line) => line.remove());
    all(".panel").forEach((panel) => { panel.hidden = panel.dataset.pair !== pair; });
    if (problem) all(".panels").forEach((place) => (problem instanceof Error ? sorry : say)(place, problem));
  };
  const chosen = () => Object.keys(pairs).find((pair) => pairs[pair].join() === `${model.value},${target.value}`);
  const linked = () => { // the pair whose panel the address names, packed or not
    const pair = location.hash.split("-").at(-1);
    return pairs[pair] ? pair : undefined;
  };
  const follow = async (pair) => {
    await choose(pair);
    byId(location.hash.slice(1))?.scrollIntoView();
  };
  [model, target].forEach((select) => select.addEventListener("change", () => choose(chosen() || "")));
  all(".pick").forEach((link) => link.addEventListener("click", () => {
    if (link.hash === location.hash) follow(link.dataset.pair); // otherwise the address changes
  }));
  window.addEventListener("hashchange", () => linked() && follow(linked()));
  if (Object.keys(pairs).length) {
    byId("picker").hidden = false;
    if (linked()) follow(linked());
    else choose(first);
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
    all(".figure").filter((box) => shown(box) && !drawn.has(box.id)).forEach((box) => draw(box.id));
  });
  window.addEventListener("afterprint", () => {
    if (before) theme(before);
    else { delete document.documentElement.dataset.theme; redraw(); }
  });

  // --- the section in view ------------------------------------------------------------------------------------------
  const links = new Map(all("nav.side a").map((link) => [link.hash.slice(1), link]));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) links.get(entry.target.id).classList.toggle("here", entry.isIntersecting);
  }, { rootMargin: "-25% 0px -65% 0px" });
  all("main > section").forEach((section) => spy.observe(section));
})();
