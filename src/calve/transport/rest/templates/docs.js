"use strict";
const base = location.pathname.replace(/\/docs\/?$/, "");

async function attempt(form, output, signal) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (input.dataset.in === "header") headers[input.name] = input.value;
    else query.append(input.name, input.value);
  }
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const url = base + path + (query.size ? `?${query}` : "");
  output.textContent = `${form.dataset.method} ${url}\n`;
  const answer = await fetch(url, { method: form.dataset.method, headers, body, signal });
  output.textContent += `${answer.status} ${answer.headers.get("content-type") ?? ""}\n\n`;
  if (answer.headers.get("content-type")?.includes("json")) {
    const text = await answer.text();
    try { output.textContent += JSON.stringify(JSON.parse(text), null, 2); } catch { output.textContent += text; }
    return;
  }
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader.read()) output.textContent += part.value;
}

for (const form of document.querySelectorAll("form")) {
  const [, stop] = form.querySelectorAll("button");
  const output = form.querySelector("pre");
  let running = new AbortController();
  form.hidden = false;
  stop.addEventListener("click", () => running.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    running.abort();
    running = new AbortController();
    stop.disabled = false;
    try { await attempt(form, output, running.signal); } catch (error) { output.textContent += `\n${error}`; }
    stop.disabled = true;
  });
}

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName === "DETAILS") target.open = true;
}
addEventListener("hashchange", unfold);
unfold();
