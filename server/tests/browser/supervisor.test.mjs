// The supervisor's journey: a live conversation turns hot, the alert is on the board, the case is taken and resolved.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const PASSWORD = "long enough";
let server, browser, folder, url;

const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "gradus-journey-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, GRADUS_HTTP__LISTEN: `127.0.0.1:${port}`, GRADUS_STORE__URL: `sqlite:${folder}/gradus.db`, GRADUS_STORE__RECORDINGS: `${folder}/recordings` };
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

async function signedIn() {
  const context = await browser.newContext({ locale: "ru-RU" });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  await page.goto(url);
  if (page.url().endsWith("/setup")) {
    await page.getByLabel("Как вас зовут").fill("Анна");
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

async function call(post, customer, lines) {
  const started = await post("/api/v1/conversations", JSON.stringify({ channel: "call", customer_name: customer, customer_tel: "+79000000999", agent_name: "Ольга" }), "application/json");
  assert.equal(started.status(), 201);
  const { id } = await started.json();
  const body = lines.map(([party, text], index) => JSON.stringify({ index, party, text })).join("\n");
  const taken = await post(`/api/v1/conversations/${id}/events`, body, "application/x-ndjson");
  assert.deepEqual(await taken.json(), { taken: lines.length });
  return id;
}

test("a threat of court reaches the board by itself and becomes a resolved case", async () => {
  const { page, post, complaints } = await signedIn();
  await page.getByText("Сейчас тихо").waitFor();
  await call(post, "Пётр Сомов", [["agent", "вектор ольга слушаю вас"], ["customer", "верните деньги иначе я подам на вас в суд"]]);
  await page.getByText("юридический вопрос").first().waitFor({ timeout: 5000 });
  await page.getByRole("link", { name: "Пётр Сомов" }).click();
  await page.getByText("подам на вас в суд").first().waitFor();
  await page.getByRole("link", { name: /Кейс №/ }).click();
  await page.getByRole("button", { name: "Взять в работу" }).click();
  await page.getByText("в работе").first().waitFor();
  await page.getByLabel("Причина эскалации").selectOption("legal");
  await page.getByLabel("Что решили").fill("Вернули деньги за два дня");
  await page.getByLabel("Во что обошлось, ₽").fill("450,50");
  await page.getByLabel("Вывод: как не повторить").fill("Проверять списания до звонка клиента");
  await page.getByRole("button", { name: "Разрешить кейс" }).click();
  await page.getByRole("heading", { name: /Разрешено/ }).waitFor();
  await page.goto(`${url}/week`);
  await page.getByText("450,50 ₽").waitFor();
  assert.deepEqual(complaints, [], "the page must not break its own content policy");
});

test("a resolution without a conclusion comes back with the reason beside the form", async () => {
  const { page, post, context } = await signedIn();
  const id = await call(post, "Анна Лебедева", [["customer", "расторгаю договор и ухожу к конкурентам"]]);
  await page.goto(`${url}/conversations/${id}`);
  await page.getByRole("link", { name: /Кейс №/ }).click();
  const csrf = await page.locator("input[name=csrf]").first().getAttribute("value");
  const answer = await context.request.post(`${page.url()}/resolve`, { form: { csrf, reason: "churn", decision: "скидка", cost: "0", conclusion: " " } });
  assert.match(await answer.text(), /Напишите вывод/);
});

test("words of a hostile customer are shown as text", async () => {
  const { page, post } = await signedIn();
  const id = await call(post, "<script>alert(1)</script>", [["customer", "<img src=x onerror=alert(1)> позовите руководителя \u202E"]]);
  await page.goto(`${url}/conversations/${id}`);
  await page.getByText("<img src=x onerror=alert(1)>").waitFor();
  assert.equal(await page.locator(".transcript img").count(), 0);
});
