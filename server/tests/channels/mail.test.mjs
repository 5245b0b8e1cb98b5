// Letters through a real mail server: STARTTLS and TLS with a certificate of our own, a password, and a kill in between.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { Town, certificate, freePort, until } from "./town.mjs";

let town, tls;
const servers = [];

before(async () => { town = await Town.open(); tls = certificate(town.folder); });
after(async () => { await town.close(); for (const server of servers) await new Promise((resolve) => server.close(resolve)); });

/** Starts a mail server; `taken` says when a letter counts as taken. */
async function mailServer(options, letters, taken = (done) => done()) {
  const port = await freePort();
  const server = new SMTPServer({
    key: readFileSync(tls.key), cert: readFileSync(tls.cert), logger: false,
    onAuth: ({ username, password }, session, done) => (username === "gradus" && password === "p&ss word" && session.secure ? done(null, { user: username }) : done(new Error("no"))),
    onData(stream, session, done) {
      const parts = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => { letters.push({ text: Buffer.concat(parts).toString(), to: session.envelope.rcptTo[0].address, secure: session.secure, user: session.user }); taken(done); });
    },
    ...options,
  });
  server.on("error", () => {});
  servers.push(server);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return port;
}

const header = (letter, name) => letter.text.split("\r\n\r\n")[0].replace(/\r\n[ \t]/g, " ").split("\r\n").find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))?.slice(name.length + 2);
const decoded = (text) => text.replace(/\?=\s+=\?utf-8\?b\?/gi, "\0").replace(/=\?utf-8\?b\?([^?]*)\?=/gi, (_, words) => Buffer.concat(words.split("\0").map((word) => Buffer.from(word, "base64"))).toString());
const body = (letter) => { const text = letter.text.split("\r\n\r\n").slice(1).join("\r\n\r\n"); return /base64/i.test(header(letter, "Content-Transfer-Encoding") ?? "") ? Buffer.from(text, "base64").toString() : text; };

for (const [security, options] of [["starttls", {}], ["tls", { secure: true }]]) {
  test(`a letter about an alert arrives by ${security} with a password, and says what, why and where`, async () => {
    const letters = [];
    const port = await mailServer(options, letters);
    const mine = await Town.open({
      GRADUS_MAIL__SERVER: "localhost", GRADUS_MAIL__PORT: String(port), GRADUS_MAIL__SECURITY: security, GRADUS_MAIL__USER: "gradus",
      GRADUS_MAIL__PASSWORD: "p&ss word", GRADUS_MAIL__FROM: "Gradus <gradus@example.ru>", GRADUS_ALERT__AUTHORITIES: tls.cert,
    });
    try {
      await mine.start();
      await mine.signIn();
      await mine.reachByMail("anna@example.ru");
      const id = await mine.call();
      await until(() => letters.length, "the letter");
      const [letter] = letters;
      assert.deepEqual([letter.to, letter.secure, letter.user], ["anna@example.ru", true, "gradus"]);
      assert.equal(decoded(header(letter, "Subject")).replaceAll("\u00a0", " "), "Подключить руководителя немедленно · Кейс № 1");
      assert.match(header(letter, "Message-ID"), /^<alert-1-1\.[0-9a-f]{12}@example\.ru>$/);
      assert.equal(header(letter, "Auto-Submitted"), "auto-generated");
      for (const words of ["подам на вас в суд", "Пётр Сомов", "пункт", `/cases/${id}-case`]) assert.ok(body(letter).includes(words), `${words}: ${body(letter)}`);
    } finally { await mine.close(); }
  });
}

test("a certificate that nobody vouches for is not trusted, and the settings page says so", async () => {
  const letters = [];
  const port = await mailServer({}, letters);
  const mine = await Town.open({ GRADUS_MAIL__SERVER: "localhost", GRADUS_MAIL__PORT: String(port), GRADUS_MAIL__FROM: "gradus@example.ru" });
  try {
    await mine.start();
    await mine.signIn();
    await mine.reachByMail("anna@example.ru");
    const page = await (await mine.form("/account/channels/test", { channel: "email" })).text();
    assert.match(page, /Не получилось: localhost.*certificate/);
    assert.equal(letters.length, 0);
  } finally { await mine.close(); }
});

test("killed while the mail server has the letter and has not said so, the server sends it once more as a repeat", async () => {
  const letters = [];
  let hold = true;
  const port = await mailServer({ authOptional: true, disabledCommands: ["STARTTLS", "AUTH"] }, letters, (done) => { if (!hold) done(); });
  const mine = await Town.open({ GRADUS_MAIL__SERVER: "127.0.0.1", GRADUS_MAIL__PORT: String(port), GRADUS_MAIL__SECURITY: "none", GRADUS_MAIL__FROM: "gradus@example.ru" });
  try {
    await mine.start();
    await mine.signIn();
    await mine.reachByMail("anna@example.ru");
    // Clocks of the case climb after half a minute and would send a round of their own: all of this takes seconds.
    const id = await mine.call();
    await until(() => letters.length, "the first letter");
    await mine.kill("SIGKILL");
    hold = false;
    await mine.start();
    await until(() => letters.length === 2, "the second letter");
    const state = async () => (await mine.json(`/api/v1/cases/${id}-case`)).alerts[0].deliveries[0].state;
    await until(async () => (await state()) === "sent", "the note that it was sent");
    await mine.kill("SIGKILL");
    await mine.start();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal(letters.length, 2, "what is known to be sent is not sent again");
    assert.equal(header(letters[0], "Message-ID"), header(letters[1], "Message-ID"));
    assert.ok(!decoded(header(letters[0], "Subject")).includes("Повтор"));
    assert.ok(decoded(header(letters[1], "Subject")).startsWith("Повтор: "));
  } finally { await mine.close(); }
});

test("over twenty kills at random moments no alert is lost, and whatever came twice says so", async () => {
  const letters = [];
  const port = await mailServer({ authOptional: true, disabledCommands: ["STARTTLS", "AUTH"] }, letters, (done) => setTimeout(done, Math.random() * 60));
  const mine = await Town.open({ GRADUS_MAIL__SERVER: "127.0.0.1", GRADUS_MAIL__PORT: String(port), GRADUS_MAIL__SECURITY: "none", GRADUS_MAIL__FROM: "gradus@example.ru" });
  try {
    await mine.start();
    await mine.signIn();
    await mine.reachByMail("anna@example.ru");
    const known = [];
    for (let count = 0; count < 20; count += 1) {
      const calling = mine.call().then((id) => known.push(id), () => {});
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 120));
      await mine.kill("SIGKILL");
      await calling;
      await mine.start();
    }
    const unsettled = async () => {
      const rows = await Promise.all(known.map((id) => mine.json(`/api/v1/cases/${id}-case`)));
      return rows.flatMap(({ alerts }) => alerts.flatMap(({ deliveries }) => deliveries)).filter(({ state }) => state !== "sent");
    };
    await until(async () => (await unsettled()).length === 0, "every alert to be sent", 60_000);
    const numbers = await Promise.all(known.map(async (id) => (await mine.json(`/api/v1/cases/${id}-case`)).alerts[0].number));
    // The first round alone: while this runs, alerts that nobody answers climb and are told again.
    const copies = new Map();
    for (const letter of letters) {
      const name = /^<(alert-\d+-1)\./.exec(header(letter, "Message-ID"))?.[1];
      if (name) copies.set(name, [...(copies.get(name) ?? []), decoded(header(letter, "Subject"))]);
    }
    for (const number of numbers) assert.ok(copies.has(`alert-${number}-1`), `alert ${number} was lost`);
    const surplus = [...copies.values()].flatMap((subjects) => subjects.slice(1));
    console.log(`# ${known.length} alerts acknowledged over 20 kills, ${surplus.length} repeated`);
    assert.ok(surplus.every((subject) => subject.startsWith("Повтор: ")), surplus.join("; "));
  } finally { await mine.close(); }
});
