"use strict";
// Draws every chart of the page. Vega's expressions are walked by its interpreter, not compiled: the page forbids eval.
(function () {
  const figures = Array.from(document.querySelectorAll("figure.chart"));
  const options = {
    mode: "vega-lite",
    ast: true,
    expr: vegaInterpreter.expressionInterpreter,
    renderer: "svg",
    actions: { export: { png: true, svg: true }, source: false, compiled: false, editor: false },
    downloadFileName: document.title,
  };

  function failed(figure, error) {
    const note = document.createElement("p");
    note.className = "chart-error";
    note.textContent = "This chart could not be drawn: " + error.message;
    figure.replaceChildren(note);
  }

  async function drawAll() {
    for (const figure of figures) {
      try {
        const spec = JSON.parse(figure.querySelector("script.spec").textContent);
        await vegaEmbed(figure.querySelector(".drawing"), spec, options);
      } catch (error) {
        failed(figure, error);
      }
    }
    document.documentElement.dataset.drawn = String(figures.length);
  }

  const codes = Array.from(document.querySelectorAll("details.code"));
  const codeSwitch = document.getElementById("code-switch");
  codeSwitch.hidden = codes.length === 0;
  codeSwitch.addEventListener("click", function () {
    const open = codeSwitch.getAttribute("aria-pressed") !== "true";
    codes.forEach(function (details) { details.open = open; });
    codeSwitch.setAttribute("aria-pressed", String(open));
    codeSwitch.textContent = open ? "Hide all code" : "Show all code";
  });

  drawAll();
})();
