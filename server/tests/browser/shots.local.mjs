import { chromium } from "playwright-core";
const flags = ["--no-sandbox","--disable-gpu","--disable-quic","--no-first-run","--disable-background-networking","--disable-component-update","--disable-sync"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
const [pages, widths, schemes] = process.argv.slice(2, 5).map((s) => s.split(","));
const full = process.argv[5] !== "fold";
for (const scheme of schemes) for (const width of widths) {
  const context = await browser.newContext({ viewport: { width: Number(width), height: width === "390" ? 844 : 900 }, colorScheme: scheme, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.on("console", (m) => { if (m.type() === "error" && !m.text().includes("/api/v1/live") && !m.text().includes("404")) console.log(m.text()); });
  page.on("pageerror", (e) => console.log("PAGEERROR", e.message));
  await page.clock.setFixedTime(1795522800000);
  for (const name of pages) {
    await page.goto(`http://127.0.0.1:8899/${name}.html`);
    await page.waitForTimeout(150);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) console.log(name, width, "overflows by", over);
    await page.screenshot({ path: `/tmp/shots/${name}-${width}-${scheme}.png`, fullPage: full });
  }
  await context.close();
}
await browser.close();
