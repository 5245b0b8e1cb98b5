// The supervisor's journey: a live conversation turns hot, the alert is on the board, the case is taken and resolved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, signedIn, url } from "./desk.mjs";

test("a threat of court reaches the board by itself and becomes a resolved case", async () => {
  const { page, post, complaints } = await signedIn();
  await page.getByText("Сейчас тихо").waitFor();
  await call(post, "Пётр Сомов", [["agent", "вектор ольга слушаю вас"], ["customer", "верните деньги иначе я подам на вас в суд"]]);
  await page.getByText("юридический вопрос").first().waitFor({ timeout: 5000 });
  await page.getByRole("link", { name: "Пётр Сомов", exact: true }).click();
  await page.getByText("подам на вас в суд").first().waitFor();
  await page.getByRole("link", { name: /Кейс №/ }).first().click();
  await page.getByRole("button", { name: "Взять на себя" }).click();
  await page.getByText("в работе").first().waitFor();
  await page.getByLabel("Причина эскалации").selectOption("legal");
  await page.getByLabel("Что решили").fill("Вернули деньги за два дня");
  await page.getByLabel("Во что обошлось, ₽").fill("450,50");
  await page.getByLabel("Вывод", { exact: true }).fill("Проверять списания до звонка клиента");
  await page.getByRole("button", { name: "Разрешить", exact: true }).click();
  await page.getByRole("heading", { name: /Разрешено/ }).waitFor();
  await page.goto(`${url}/week`);
  await page.getByText("450,50 ₽").first().waitFor();
  assert.deepEqual(complaints, [], "the page must not break its own content policy");
});

test("a resolution without a conclusion comes back with the reason beside the form", async () => {
  const { page, post, context } = await signedIn();
  const id = await call(post, "Анна Лебедева", [["customer", "расторгаю договор и ухожу к конкурентам"]]);
  await page.goto(`${url}/conversations/${id}`);
  await page.getByRole("link", { name: /Кейс №/ }).first().click();
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
