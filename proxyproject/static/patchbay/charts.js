/* Draws the charts of a page with the vendored Chart.js: units, legends, both themes. */
"use strict";

(() => {
  const drawn = new Map();
  const units = {
    count: (value) => (value >= 1e4 ? new Intl.NumberFormat("en", { notation: "compact" }).format(value).replace("B", " bn").replace("T", " tn") : String(value)),
    money: (value) => "$" + (value >= 1 || value === 0 ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value.toPrecision(2)),
    share: (value) => (100 * value).toLocaleString("en", { maximumFractionDigits: 2 }) + " %",
    ms: (value) => (value < 1000 ? Math.round(value) + " ms" : (value / 1000).toPrecision(3).replace(/\.?0+$/, "") + " s"),
  };
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const fixed = { failed: "--pb-series-bad", abandoned: "--pb-series-other", "error rate": "--pb-series-bad" };
  const colour = (series) => style(fixed[series.label] || `--pb-series-${series.colour}`);

  function time(iso, step, long) {
    const date = new Date(iso);
    const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (long) return step >= 86400 ? day : `${day} ${clock}`;
    return step >= 6 * 3600 ? day : clock;
  }

  function dataset(chart, series) {
    const base = { label: series.label, data: series.values };
    if (chart.kind === "bar") {
      return { ...base, backgroundColor: colour(series), borderRadius: 2, categoryPercentage: 0.86, barPercentage: 1 };
    }
    const few = series.values.filter((value) => value !== null).length <= 12; // a line through few points is hardly seen
    return { ...base, borderColor: colour(series), backgroundColor: colour(series), borderWidth: 2, pointRadius: few ? 3 : 0, pointHitRadius: 12, spanGaps: true, tension: 0.3 };
  }

  function options(chart) {
    const faint = style("--pb-faint");
    const bars = chart.kind === "bar";
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          filter: (item) => !bars || item.raw > 0 || item.datasetIndex === 0,
          callbacks: {
            title: (items) => time(chart.times[items[0].dataIndex], chart.step, true),
            label: (item) => ` ${item.dataset.label}: ${units[chart.unit](item.raw)}`,
          },
        },
      },
      scales: {
        x: {
          stacked: bars,
          border: { display: false },
          grid: { display: false },
          ticks: { autoSkip: true, autoSkipPadding: 24, color: faint, maxRotation: 0, callback: (_, index) => time(chart.times[index], chart.step) },
        },
        y: {
          stacked: bars,
          beginAtZero: true,
          suggestedMax: chart.unit === "share" ? 0.05 : chart.unit === "money" ? 0.01 : 4,
          border: { display: false },
          grid: { color: style("--pb-line") },
          ticks: { color: faint, maxTicksLimit: 5, callback: (value) => units[chart.unit](value) },
        },
      },
    };
  }

  function legend(chart, place) {
    const list = document.createElement("ul");
    list.className = "pb-legend";
    for (const series of chart.series) {
      if (!series.values.some(Boolean)) continue;
      const item = document.createElement("li");
      const dot = document.createElement("span");
      dot.className = "pb-dot";
      dot.style.background = colour(series);
      item.append(dot, document.createTextNode(series.label));
      list.append(item);
    }
    place.replaceChildren(list);
  }

  function draw() {
    const source = document.getElementById("pb-charts");
    if (!source) return;
    const charts = JSON.parse(source.textContent);
    Chart.defaults.font.family = "Inter, sans-serif";
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const chart = charts[canvas.dataset.chart];
      drawn.get(canvas)?.destroy();
      drawn.set(canvas, new Chart(canvas, {
        type: chart.kind,
        data: { labels: chart.times, datasets: chart.series.map((series) => dataset(chart, series)) },
        options: options(chart),
      }));
    }
    for (const place of document.querySelectorAll("[data-legend]")) legend(charts[place.dataset.legend], place);
  }

  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("htmx:afterSettle", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["class"] });
})();
