// The bot against telegram-test-api: the chat is linked, the alert arrives within a second, a button takes the case.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import TelegramServer from "telegram-test-api";
import { COURT, Town, freePort, until } from "./town.mjs";

const TOKEN = "42:token";
let town, telegram, client;

before(async () => {
  telegram = new TelegramServer({ port: await freePort(), host: "127.0.0.1" });
  await telegram.start();
  client = telegram.getClient(TOKEN, { userId: 77, chatId: 77, timeout: 5_000 });
  town = await Town.open({ GRADUS_TELEGRAM__TOKEN: TOKEN, GRADUS_TELEGRAM__API: telegram.config.apiURL });
  await town.start();
  await town.signIn();
});
after(async () => { await town?.close(); await telegram?.stop(); });

const said = () => telegram.storage.botMessages.map(({ message }) => message);

test("from the code on the settings page to the accepted case", async () => {
  const page = await (await town.form("/account/telegram", {})).text();
  const [command] = /\/start [0-9a-f]{32}/.exec(page);
  assert.ok(page.includes(`https://t.me/TestNameBot?start=${command.slice(7)}`));
  await client.sendCommand(client.makeCommand(command));
  await until(() => said().find(({ text }) => text.includes("Чат связан: Анна Власова")), "the link");

  const started = Date.now();
  const id = await town.call(COURT);
  const alert = await until(() => said().find(({ text }) => text.includes("Оповещение")), "the alert");
  const took = Date.now() - started;
  console.log(`# from the words to the message in the chat: ${took} ms`);
  assert.ok(took < 1_000, `${took} ms`);
  assert.equal(String(alert.chat_id), "77");
  for (const words of ["Подключить руководителя немедленно", "подам на вас в суд", "Причина:", "пункт", `/cases/${id}-case`]) assert.ok(alert.text.includes(words), alert.text);
  const buttons = alert.reply_markup.inline_keyboard.flat();
  assert.deepEqual(buttons.map(({ text }) => text), ["Принять", "Отложить", "Верно", "Ложная"]);
  assert.ok(buttons.every(({ callback_data }) => Buffer.byteLength(callback_data) <= 64));

  await client.sendCallback(client.makeCallbackQuery(buttons[0].callback_data));
  const row = await until(async () => {
    const row = await town.json(`/api/v1/cases/${id}-case`);
    return row.state === "acknowledged" && row;
  }, "the accepted case");
  assert.equal(row.owner_name, "Анна Власова");
  await until(() => said().find(({ text }) => text.includes("Принято: Анна Власова")), "the changed message");
});
