"use strict";
// One cursor over all plots of a group: the values are those of the tables behind them.
for (const group of document.querySelectorAll(".group")) {
  const plots = [...group.querySelectorAll(".plot")].map((plot) => {
    const figure = plot.closest("figure");
    const rows = [...figure.querySelectorAll("tbody tr")];
    return { plot, rows, at: rows.map((row) => Number(row.dataset.x)), svg: plot.querySelector("svg"),
      cursor: plot.querySelector(".cursor"), said: [...figure.querySelectorAll(".legend b")], d: plot.dataset };
  });
  const show = (x) => {
    for (const { plot, rows, at, svg, cursor, said, d } of plots) {
      let nearest = 0;
      at.forEach((value, n) => { if (Math.abs(value - x) < Math.abs(at[nearest] - x)) nearest = n; });
      const cells = rows[nearest]?.cells;
      if (!cells) continue;
      said.forEach((b, n) => { b.textContent = `${cells[n + 1].textContent} (${cells[0].textContent})`; });
      const share = (at[nearest] - d.from) / (d.until - d.from);
      const inner = (d.left * 1 + share * (d.width - d.left - d.right)) / d.width;
      cursor.style.left = `${inner * svg.clientWidth}px`;
      cursor.style.display = "block";
    }
  };
  const hide = () => {
    for (const { cursor, said } of plots) {
      cursor.style.display = "none";
      said.forEach((b) => { b.textContent = ""; });
    }
  };
  for (const { plot, svg, d } of plots) {
    plot.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const inner = ((event.clientX - box.left) / box.width) * d.width;
      show(d.from * 1 + ((inner - d.left) / (d.width - d.left - d.right)) * (d.until - d.from));
    });
    plot.addEventListener("pointerleave", hide);
  }
}
