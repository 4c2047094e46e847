"use strict";
// One cursor over all plots of a group: the values are those of the tables behind them. Plots over time can be zoomed, all
// together: what is between the axes is moved into an inner drawing, whose view is then narrowed.
const SVG = "http://www.w3.org/2000/svg";
const clock = (s) => `${String(Math.floor(s / 60)).padStart(2, "0")}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
for (const group of document.querySelectorAll(".group")) {
  const plots = [...group.querySelectorAll(".plot")].map((plot) => {
    const figure = plot.closest("figure");
    const rows = [...figure.querySelectorAll("tbody tr")];
    return { plot, rows, at: rows.map((row) => Number(row.dataset.x)), svg: plot.querySelector("svg"),
      cursor: plot.querySelector(".cursor"), said: [...figure.querySelectorAll(".legend b")], d: plot.dataset };
  });
  if (plots.length === 0) continue;
  const first = plots[0].d;
  const all = { from: Number(first.from), until: Number(first.until) };
  const view = { ...all };
  const [left, width] = [Number(first.left), Number(first.width)];
  const inner = width - left - first.right;
  let here = all.from;
  const show = (x) => {
    here = x;
    for (const { rows, at, svg, cursor, said } of plots) {
      let nearest = 0;
      at.forEach((value, n) => { if (Math.abs(value - x) < Math.abs(at[nearest] - x)) nearest = n; });
      const cells = rows[nearest]?.cells;
      if (!cells) continue;
      said.forEach((b, n) => { b.textContent = `${cells[n + 1].textContent} (${cells[0].textContent})`; });
      const share = (at[nearest] - view.from) / (view.until - view.from);
      cursor.style.left = `${((left + share * inner) / width) * svg.clientWidth}px`;
      cursor.style.display = share < 0 || share > 1 ? "none" : "block";
    }
  };
  const hide = () => {
    for (const { cursor, said } of plots) {
      cursor.style.display = "none";
      said.forEach((b) => { b.textContent = ""; });
    }
  };
  const at = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * width - left) / inner;
    return view.from + Math.min(1, Math.max(0, share)) * (view.until - view.from);
  };
  for (const { plot, svg } of plots) {
    plot.addEventListener("pointermove", (event) => show(at(svg, event)));
    plot.addEventListener("pointerleave", hide);
  }
  if (group.dataset.zoom === undefined) continue;

  // Nothing is to be seen between two rows.
  const least = Math.max(5, (all.until - all.from) / 400);
  const note = document.createElement("p");
  note.className = "soft zoom";
  note.setAttribute("aria-live", "polite");
  group.prepend(note);
  const inside = plots.map(({ svg }) => {
    const height = svg.viewBox.baseVal.height || Number(svg.getAttribute("height"));
    const area = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ x: left, y: 0, width: inner, height, preserveAspectRatio: "none" })) {
      area.setAttribute(name, value);
    }
    const drawn = [...svg.children].filter((shape) => shape.tagName !== "text" && shape.getBBox().x >= left - 1);
    const labels = [...svg.children].filter((shape) => shape.tagName === "text" && Number(shape.getAttribute("x")) >= left);
    area.append(...drawn);
    svg.append(area);
    return { area, height, labels: labels.map((label) => [label, Number(label.getAttribute("x"))]) };
  });
  const zoom = (from, until) => {
    const length = Math.min(all.until - all.from, Math.max(least, until - from));
    view.from = Math.min(Math.max(all.from, from), all.until - length);
    view.until = view.from + length;
    const scale = inner / (all.until - all.from);
    const x = left + (view.from - all.from) * scale;
    for (const { area, height, labels } of inside) {
      area.setAttribute("viewBox", `${x} 0 ${length * scale} ${height}`);
      for (const [label, place] of labels) {
        const moved = left + ((place - x) / (length * scale)) * inner;
        label.setAttribute("x", moved);
        label.style.display = moved < left - 1 || moved > left + inner + 1 ? "none" : "";
      }
    }
    const whole = length >= all.until - all.from;
    note.textContent = whole ? "Drag over a plot to zoom. Keys on a plot: ← → move, + − zoom, Esc shows all."
      : `${clock(view.from)} to ${clock(view.until)}; double-click or Esc shows all.`;
    hide();
  };
  const about = (x, factor) => zoom(x - (x - view.from) * factor, x + (view.until - x) * factor);
  for (const { plot, svg } of plots) {
    let began = null;
    plot.tabIndex = 0;
    plot.addEventListener("pointerdown", (event) => { if (event.button === 0) began = at(svg, event); });
    plot.addEventListener("pointerup", (event) => {
      const ends = [began, at(svg, event)].sort((a, b) => a - b);
      if (began !== null && ends[1] - ends[0] > (view.until - view.from) / 50) zoom(...ends);
      began = null;
    });
    plot.addEventListener("dblclick", () => zoom(all.from, all.until));
    plot.addEventListener("keydown", (event) => {
      const step = (view.until - view.from) / 20;
      const move = (x) => {
        const to = Math.min(all.until, Math.max(all.from, x));
        if (to < view.from || to > view.until) zoom(view.from + to - here, view.until + to - here);
        show(to);
      };
      const keys = { ArrowLeft: () => move(here - step), ArrowRight: () => move(here + step), "+": () => about(here, 0.5),
        "-": () => about(here, 2), Escape: () => zoom(all.from, all.until) };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      keys[event.key]();
      event.preventDefault();
    });
  }
  zoom(all.from, all.until);
}
