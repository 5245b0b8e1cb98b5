// One server with an empty store and one browser for a file of journeys.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const PASSWORD = "long enough";
let server, browser, folder;
/** Where the server answers. */
export let url;

const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "gradus-journey-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, GRADUS_HTTP__LISTEN: `127.0.0.1:${port}`, GRADUS_STORE__URL: `sqlite:${folder}/gradus.db`, GRADUS_STORE__RECORDINGS: `${folder}/recordings`, GRADUS_MAIL__SERVER: "mail.example.ru", GRADUS_MAIL__FROM: "gradus@example.ru" };
  server = spawn(process.env.GRADUS_BINARY, ["serve"], { env, stdio: ["ignore", "ignore", "pipe"] });
  await new Promise((resolve, reject) => {
    server.stderr.on("data", (text) => { if (String(text).includes("serving on")) resolve(); });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
});

after(async () => {
  await browser?.close();
  server?.removeAllListeners("exit");
  server?.kill("SIGINT");
  await rm(folder, { recursive: true, force: true });
});

/** Opens a browser without a session. */
export const stranger = (options = {}) => browser.newContext({ locale: "ru-RU", ...options });

/** Opens the board as the administrator, whom the first call creates. */
export async function signedIn(options = {}) {
  const context = await browser.newContext({ locale: "ru-RU", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  await page.goto(url);
  if (page.url().endsWith("/setup")) {
    await page.getByLabel("Имя и фамилия").fill("Анна");
    await page.getByLabel("Имя для входа").fill("anna");
    await page.getByLabel("Пароль").fill(PASSWORD);
    await page.getByRole("button", { name: "Создать и войти" }).click();
  } else {
    await page.getByLabel("Имя для входа").fill("anna");
    await page.getByLabel("Пароль").fill(PASSWORD);
    await page.getByRole("button", { name: "Войти" }).click();
  }
  await page.getByRole("heading", { name: "Доска" }).waitFor();
  const csrf = await page.locator("input[name=csrf]").first().getAttribute("value");
  const post = (address, data, type) => context.request.post(url + address, { data, headers: { "x-csrf-token": csrf, "content-type": type } });
  return { context, page, post, complaints };
}

/** Begins a live call and says its lines; returns its id. */
export async function call(post, customer, lines) {
  const started = await post("/api/v1/conversations", JSON.stringify({ channel: "call", customer_name: customer, customer_tel: "+79000000999", agent_name: "Ольга" }), "application/json");
  assert.equal(started.status(), 201);
  const { id } = await started.json();
  const body = lines.map(([party, text], index) => JSON.stringify({ index, party, text })).join("\n");
  const taken = await post(`/api/v1/conversations/${id}/events`, body, "application/x-ndjson");
  assert.deepEqual(await taken.json(), { taken: lines.length });
  return id;
}
