// A server of ours with an empty store, and a person signed in, for journeys of alerts to servers from the registry.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export const COURT = "верните деньги иначе я подам на вас в суд";

export const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});

/** Waits until `look` returns something. */
export async function until(look, what, ms = 20_000) {
  const start = Date.now();
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() - start > ms) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A certificate for localhost, its own authority. */
export function certificate(folder) {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { key, cert };
}

export class Town {
  static async open(settings = {}) {
    const town = new Town();
    town.folder = await mkdtemp(path.join(tmpdir(), "gradus-channels-"));
    town.port = await freePort();
    town.url = `http://127.0.0.1:${town.port}`;
    town.settings = { GRADUS_ALERT__ALLOW_PRIVATE: "true", ...settings };
    return town;
  }

  /** Starts the server; again after it was killed. */
  async start() {
    const env = { ...process.env, GRADUS_HTTP__LISTEN: `127.0.0.1:${this.port}`, GRADUS_STORE__URL: `sqlite:${this.folder}/gradus.db`, GRADUS_STORE__RECORDINGS: `${this.folder}/recordings`, ...this.settings };
    this.server = spawn(process.env.GRADUS_BINARY, ["serve"], { env, stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    await new Promise((resolve, reject) => {
      this.server.stderr.on("data", (text) => { log += text; if (log.includes("serving on")) resolve(); });
      this.server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
    });
    this.server.removeAllListeners("exit");
  }

  async kill(signal) {
    const ended = new Promise((resolve) => this.server.once("exit", resolve));
    this.server.kill(signal);
    await ended;
  }

  async close() {
    if (this.server?.exitCode === null && this.server.signalCode === null) await this.kill("SIGINT");
    await rm(this.folder, { recursive: true, force: true });
  }

  async ask(address, options = {}) {
    const headers = { cookie: this.cookie ?? "", "x-csrf-token": this.csrf ?? "", ...options.headers };
    return fetch(this.url + address, { redirect: "manual", ...options, headers });
  }

  async form(address, fields) {
    return this.ask(address, { method: "POST", body: new URLSearchParams({ csrf: this.csrf ?? "", ...fields }) });
  }

  async json(address, body) {
    const answer = await this.ask(address, body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
    assert.ok(answer.ok, `${address}: ${answer.status}`);
    return answer.json();
  }

  /** Makes the administrator, whom alerts for supervisors reach as well. */
  async signIn() {
    const made = await this.form("/setup", { name: "Анна Власова", login: "anna", password: "long enough" });
    assert.equal(made.status, 303);
    this.cookie = made.headers.get("set-cookie").split(";")[0];
    const page = await (await this.ask("/account")).text();
    this.csrf = /name="csrf" value="([^"]+)"/.exec(page)[1];
  }

  async reachByMail(address) {
    const saved = await this.form("/account/channels", { email: address, email_on: "1" });
    assert.equal(saved.status, 303);
  }

  /** Begins a call and says what a customer said; returns the id of the conversation. */
  async call(text = COURT) {
    const { id } = await this.json("/api/v1/conversations", { channel: "call", customer_name: "Пётр Сомов", customer_tel: "+79000000999" });
    await this.json(`/api/v1/conversations/${id}/events`, { index: 0, party: "customer", text });
    return id;
  }
}
