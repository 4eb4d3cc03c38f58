"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const data = JSON.parse(find("#data").textContent);
  const words = (text) => (text ? text.split(" ") : []);
  const steps = words(data.steps).map(Number);
  const curves = data.curves.map((curve) => ({
    ...curve,
    steps: curve.log ? words(curve.steps).map(Number) : steps,
    lr: words(curve.lr),
    momentum: words(curve.momentum),
  }));
  // A log may go back to earlier steps: of rows with one step, the last one counts.
  for (const curve of curves) {
    curve.order = curve.log ? curve.steps.map((_, row) => row).sort((a, b) => curve.steps[a] - curve.steps[b]) : null;
  }
  const chart = find(".oc-chart");
  const slider = find("#at");
  const grouped = (number) => number.toLocaleString("en-US");
  document.documentElement.classList.add("scripted");

  // The number of the last of some rising values that is not above a value; 0 where all are.
  const lastUpTo = (count, valueAt, value) => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (valueAt(middle) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const nearest = (step) => {
    const before = lastUpTo(steps.length, (number) => steps[number], step);
    const after = Math.min(before + 1, steps.length - 1);
    return steps[after] - step < step - steps[before] ? after : before;
  };

  // The row of a curve at a step of the page: for a log the last one logged up to it, null where there is none.
  const rowAt = (curve, index) => {
    if (!curve.log) return index < curve.lr.length ? index : null;
    const order = curve.order;
    if (!order.length) return null;
    const row = order[lastUpTo(order.length, (number) => curve.steps[order[number]], steps[index])];
    return curve.steps[row] <= steps[index] ? row : null;
  };

  const areas = all(".oc-area").map((area) => {
    const cursor = document.createElement("i");
    cursor.className = "cursor";
    area.append(cursor);
    const dots = curves.map((_, number) => {
      const dot = document.createElement("i");
      dot.className = "dot";
      dot.style.background = `var(--oc-c${number % 8})`;
      area.append(dot);
      return dot;
    });
    return { area, cursor, dots, field: area.closest(".oc-lr") ? "lr" : "momentum" };
  });

  const left = (step) => (step - data.across[0]) / (data.across[1] - data.across[0]);
  const isLog = (area) => chart.classList.contains("log-scale") && area.dataset.log;
  const height = (area, value) => {
    let [low, high] = (isLog(area) ? area.dataset.log : area.dataset.linear).split(" ").map(Number);
    if (isLog(area)) [value, low, high] = [value, low, high].map(Math.log10);
    return (value - low) / (high - low);
  };
  const isShown = (number) => find(`[data-show="${number}"]`).checked && (!curves[number].log || logsShown());
  const logsShown = () => !find("#show-logs") || find("#show-logs").checked;

  let current = data.at;
  const show = (index) => {
    current = Math.min(Math.max(index, 0), steps.length - 1);
    const step = steps[current];
    slider.value = step;
    find("#at-step").textContent = grouped(step);
    if (data.perEpoch) find("#at-epoch").textContent = grouped(Math.floor(step / data.perEpoch));
    const phases = new Set(data.phases.map((own) => (own.find(([, last]) => step <= last) || [data.afterTheEnd])[0]));
    find("#at-phase").textContent = phases.size === 1 ? [...phases][0] : "";
    const spoken = [`step ${grouped(step)}`];
    curves.forEach((curve, number) => {
      const row = rowAt(curve, current);
      for (const cell of all(`[data-row="${number}"] [data-field]`)) {
        const values = curve[cell.dataset.field];
        const value = row === null || !values.length ? "–" : values[row];
        const late = curve.log && row !== null && curve.steps[row] !== step;
        cell.textContent = value + (late && cell.dataset.field === "lr" ? ` at ${grouped(curve.steps[row])}` : "");
        if (cell.dataset.field === "lr" && number < 4) spoken.push(value);
      }
    });
    slider.setAttribute("aria-valuetext", spoken.join(", "));
    for (const { area, cursor, dots, field } of areas) {
      cursor.style.left = `${100 * left(step)}%`;
      dots.forEach((dot, number) => {
        const curve = curves[number];
        const row = rowAt(curve, current);
        const value = row === null ? NaN : parseFloat(curve[field][row]);
        const up = height(area, value);
        const along = row === null ? NaN : left(curve.steps[row]);
        dot.hidden = !(up >= 0 && up <= 1 && along >= 0 && along <= 1 && isShown(number));
        if (dot.hidden) return;
        dot.style.left = `${100 * along}%`;
        dot.style.top = `${100 * (1 - up)}%`;
      });
    }
  };

  const hide = () => {
    curves.forEach((_, number) => {
      for (const line of all(`[data-trace="${number}"]`)) line.classList.toggle("off", !isShown(number));
      find(`[data-row="${number}"]`).classList.toggle("hidden", !isShown(number));
    });
    show(current);
  };

  for (const { area } of areas) {
    const follow = (event) => {
      const box = area.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      show(nearest(data.across[0] + share * (data.across[1] - data.across[0])));
    };
    area.addEventListener("pointermove", follow);
    area.addEventListener("pointerdown", follow);
  }
  slider.addEventListener("input", () => show(nearest(Number(slider.value))));
  document.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const elsewhere = event.target !== slider && event.target.closest("input, select, pre");
    if (!way || elsewhere || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(current + way * (event.shiftKey ? 10 : 1));
  });
  find("#log-scale").addEventListener("change", (event) => {
    chart.classList.toggle("log-scale", event.target.checked);
    show(current);
  });
  for (const box of all("[data-show], #show-logs")) box.addEventListener("change", hide);

  for (const part of all(".code")) {
    const [choice, copy] = [part.querySelector("select"), part.querySelector("button")];
    choice.addEventListener("change", () => {
      for (const snippet of part.querySelectorAll(".snippet")) {
        snippet.classList.toggle("shown", snippet.dataset.framework === choice.value);
      }
    });
    copy.addEventListener("click", async () => {
      const text = part.querySelector(".snippet.shown code");
      getSelection().selectAllChildren(text);
      try {
        await navigator.clipboard.writeText(text.textContent);
        copy.textContent = "Copied";
        setTimeout(() => (copy.textContent = "Copy"), 1500);
      } catch {
        // The text is selected: the keyboard can copy it.
      }
    });
  }

  hide();
})();
