// What holds for all pages: nobody is shut out, nothing jumps, keys and languages work, roles keep to what is theirs.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PASSWORD, call, signedIn, stranger, url } from "./desk.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOT = [["agent", "вектор ольга слушаю вас"], ["customer", "верните деньги иначе я подам на вас в суд"], ["agent", "приношу извинения подключаю старшего"]];

test("axe finds nothing on any page, light and dark, wide and narrow", async () => {
  const { post, page: first, context: owner } = await signedIn();
  const id = await call(post, "Пётр Сомов", HOT);
  await first.goto(`${url}/cases`);
  const cases = await first.locator("a.main").first().getAttribute("href");
  const customer = await (await owner.request.get(`${url}/api/v1/conversations/${id}`)).json();
  const pages = ["/", `/conversations/${id}`, "/conversations", "/cases", cases, "/week", "/week/short", "/week/behind?week=2026-W48&what=escalated", "/tasks", "/review", "/quality", `/quality/${id}`, "/customers", `/customers/${customer.conversation.customer_id}`, "/users", "/account", "/deliveries", "/streams", "/nowhere"];
  const wrong = [];
  for (const colorScheme of ["light", "dark"]) for (const width of [1440, 390]) {
    const { context, page } = await signedIn({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    for (const address of pages) {
      await page.goto(url + address);
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run());
      for (const rule of found.violations) wrong.push(`${address} ${width} ${colorScheme}: ${rule.id}: ${rule.nodes[0].html}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wrong.push(`${address} ${width}: wider than the screen by ${over}`);
    }
    await context.close();
  }
  assert.deepEqual(wrong, []);
});

test("rows keep their places while the pointer is on the table, and take the new ones afterwards", async () => {
  const { page, post } = await signedIn();
  const calm = await call(post, "Анна Спокойная", [["customer", "подскажите сколько стоит доставка"]]);
  const later = await call(post, "Борис Тихий", [["customer", "здравствуйте"]]);
  await page.goto(url);
  const order = () => page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.id));
  const before = await order();
  assert.ok(before.includes(`row-${calm}`));
  const lowest = before.at(-1).replace("row-", "");
  await page.locator(`#row-${calm}`).hover();
  const line = JSON.stringify({ index: 5, party: "customer", text: "вы идиоты я подам на вас в суд и напишу везде отзывы" });
  await post(`/api/v1/conversations/${lowest}/events`, line, "application/x-ndjson");
  await page.locator(`#row-${lowest}`).getByText("в суд").waitFor({ timeout: 5000 });
  assert.deepEqual(await order(), before);
  await page.mouse.move(5, 5);
  await page.waitForFunction((id) => document.querySelector("tbody tr")?.id === id || document.querySelectorAll("tbody tr")[1]?.id === id, `row-${lowest}`, { timeout: 5000 });
  assert.ok([calm, later].includes(lowest));
});

test("keys lead through the pages, on a Russian layout too, and «?» lists them", async () => {
  const { page } = await signedIn();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Кейсы").waitFor();
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "с", code: "KeyC", bubbles: true })));
  await page.waitForURL(/\/cases$/);
});

test("the language is the person's own", async () => {
  const { page } = await signedIn();
  await page.goto(`${url}/account`);
  await page.getByLabel("Язык").selectOption("en");
  await page.getByRole("button", { name: "Сохранить", exact: true }).click();
  await page.getByRole("heading", { name: "My settings" }).waitFor();
  await page.goto(url);
  await page.getByRole("heading", { name: "Board" }).waitFor();
  await page.goto(`${url}/account`);
  await page.getByLabel("Language").selectOption("ru");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "Мои настройки" }).waitFor();
});

test("an agent sees a case but cannot close it, nor add people", async () => {
  const { page, post } = await signedIn();
  const id = await call(post, "Пётр Сомов", HOT);
  await page.goto(`${url}/users`);
  await page.getByLabel("Имя и фамилия").fill("Ольга Нечаева");
  await page.getByLabel("Имя для входа").fill("olga");
  await page.getByLabel("Пароль").fill(PASSWORD);
  await page.getByLabel("Роль", { exact: true }).selectOption("agent");
  await page.getByRole("button", { name: "Добавить сотрудника" }).click();
  await page.getByRole("cell", { name: "Ольга Нечаева", exact: true }).waitFor();
  const agent = await (await stranger()).newPage();
  await agent.goto(`${url}/sign-in`);
  await agent.getByLabel("Имя для входа").fill("olga");
  await agent.getByLabel("Пароль").fill(PASSWORD);
  await agent.getByRole("button", { name: "Войти" }).click();
  await agent.getByRole("heading", { name: "Доска" }).waitFor();
  await agent.goto(`${url}/conversations/${id}`);
  await agent.getByRole("link", { name: /Кейс №/ }).first().click();
  await agent.getByText("Действия с кейсом доступны руководителю").waitFor();
  const csrf = await agent.locator("input[name=csrf]").first().getAttribute("value");
  const refused = await agent.context().request.post(`${agent.url()}/take-over`, { form: { csrf }, maxRedirects: 0 });
  assert.equal(refused.status(), 403);
  assert.equal((await agent.goto(`${url}/users`)).status(), 403);
  await agent.getByRole("heading", { name: "Недостаточно прав" }).waitFor();
});

test("a form without its token changes nothing", async () => {
  const { context, post } = await signedIn();
  const id = await call(post, "Пётр Сомов", HOT);
  const answer = await context.request.post(`${url}/conversations/${id}/case`, { form: { csrf: "guessed" }, maxRedirects: 0 });
  assert.equal(answer.status(), 403);
});

test("a file given to the page is taken in once, and a wrong one says what is wrong", async () => {
  const { page } = await signedIn();
  const talk = { uuid: "018f-1", vcon: "0.3.0", created_at: "2026-11-20T10:00:00+03:00", parties: [{ role: "customer", name: "Ирина" }, { role: "agent", name: "Тимур" }], dialog: [{ type: "text", start: "2026-11-20T10:00:00+03:00", parties: 0, body: "третий раз пишу, верните деньги" }] };
  const files = [{ name: "разговор.vcon.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(talk)) }, { name: "пусто.json", mimeType: "application/json", buffer: Buffer.from("") }];
  for (const said of ["Загружено", "уже было"]) {
    await page.goto(`${url}/conversations`);
    await page.getByText("Загрузить записи или переписку").first().click();
    await page.locator("input[type=file]").setInputFiles(files);
    await page.getByRole("button", { name: "Загрузить", exact: true }).click();
    await page.locator(".uploads").getByText(said).waitFor();
    await page.locator(".uploads .bad").getByText("пусто.json").waitFor();
  }
  await page.locator(".uploads").getByRole("link", { name: "Открыть" }).click();
  await page.getByText("третий раз пишу").first().waitFor();
});
