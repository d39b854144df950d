import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { reportPage } from '#stages/report/page.ts';
import { valuesPage } from '#stages/report/values-page.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { browse, findBrowser } from './browser.ts';
import { richFixture } from './rich-fixture.ts';
import { valuesFixture } from './values-fixture.ts';

const browser = findBrowser();
const skip = browser === undefined ? 'no Chromium on this machine' : false;

describe('the report in a browser', { skip }, () => {
  const folder = temporaryFolder('decant-browser');
  const page = reportPage(richFixture());
  const options = { profile: join(folder, 'profile'), flags: [] as string[] };
  const open = (name: string, content: string, flags: readonly string[], dark = false) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return browse(browser ?? '', pathToFileURL(file).href, { ...options, flags, dark });
  };

  test('nothing sticks out at any width; wide tables scroll inside their boxes', async () => {
    const { stdout } = await open('frames.html', measuringPage(page), ['--dump-dom']);
    const measured = JSON.parse(/<pre id="measured">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '[]');
    assert.deepEqual(
      measured.map(({ width, pageWidth }: Measured) => [width, pageWidth]),
      WIDTHS.map((width) => [width, width]),
    );
    const [phone, , , desk] = measured as Measured[];
    assert.ok((phone?.scrollingBoxes ?? 0) > 0, 'tables are wider than a phone');
    assert.equal(desk?.scrollingBoxes, 0);
  });

  test('the page of several labels does not stick out either, and says nothing to the console', async () => {
    const values = valuesPage(valuesFixture());
    const { stdout } = await open('values.html', measuringPage(values), ['--dump-dom']);
    const measured = JSON.parse(/<pre id="measured">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '[]');
    assert.deepEqual(
      measured.map(({ width, pageWidth }: Measured) => [width, pageWidth]),
      WIDTHS.map((width) => [width, width]),
    );
    const { consoleLines } = await open('values-plain.html', values, ['--dump-dom']);
    assert.deepEqual(consoleLines, []);
  });

  test('the console stays empty', async () => {
    const { stdout, consoleLines } = await open('plain.html', page, ['--dump-dom']);
    assert.match(stdout, /<\/html>/);
    assert.deepEqual(consoleLines, []);
  });

  test('the console is really watched', async () => {
    const { consoleLines } = await open('loud.html', '<script>console.error("x")</script>', [
      '--dump-dom',
    ]);
    assert.equal(consoleLines.length, 1);
  });

  for (const width of [390, 820, 1280]) {
    test(`it is drawn light and dark at ${width} pixels`, async () => {
      const images: Buffer[] = [];
      for (const dark of [false, true]) {
        const file = join(
          screenshotFolder(folder),
          `report-${width}-${dark ? 'dark' : 'light'}.png`,
        );
        const flags = [`--window-size=${width},${HEIGHTS[width]}`, `--screenshot=${file}`];
        await open('report.html', page, flags, dark);
        const image = readFileSync(file);
        assert.equal(image.readUInt32BE(16), width);
        assert.ok(image.length > 40_000, 'there is something to see');
        images.push(image);
      }
      assert.ok(!images[0]?.equals(images[1] ?? Buffer.alloc(0)), 'dark differs from light');
    });
  }

  test('it prints', async () => {
    const file = join(screenshotFolder(folder), 'report.pdf');
    await open('report.html', page, ['--no-pdf-header-footer', `--print-to-pdf=${file}`]);
    const pdf = readFileSync(file);
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    assert.ok(pdf.length > 20_000);
  });
});

interface Measured {
  readonly width: number;
  /** Of the whole document; wider than `width` where something sticks out. */
  readonly pageWidth: number;
  /** Tables and listings that are wider than their box. */
  readonly scrollingBoxes: number;
}

/** A test-only page that lays the report out at several widths, in frames, and writes down what it measured. */
function measuringPage(report: string): string {
  const withoutPolicy = report.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  const source = JSON.stringify(withoutPolicy).replaceAll('</', '<\\/');
  return `<!doctype html><pre id="measured"></pre><script>
const report = ${source};
const frames = ${JSON.stringify(WIDTHS)}.map((width) => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.style = 'border:0;height:900px;width:' + width + 'px';
  frame.onload = () => {
    const root = frame.contentDocument.documentElement;
    for (const details of root.querySelectorAll('details')) details.open = true;
    const boxes = [...root.querySelectorAll('.scroll, pre')];
    done({ width, pageWidth: root.scrollWidth, scrollingBoxes: boxes.filter((box) => box.scrollWidth > box.clientWidth).length });
  };
  frame.srcdoc = report;
  document.body.append(frame);
}));
Promise.all(frames).then((measured) => { document.getElementById('measured').textContent = JSON.stringify(measured); });
</script>`;
}

/** DECANT_SCREENSHOTS=folder keeps the pictures to look at. */
function screenshotFolder(fallback: string): string {
  const folder = process.env['DECANT_SCREENSHOTS'] ?? fallback;
  mkdirSync(folder, { recursive: true });
  return folder;
}

const WIDTHS = [360, 390, 820, 1280];

/** About as tall as the whole page. */
const HEIGHTS: Readonly<Record<number, number>> = { 390: 7400, 820: 5600, 1280: 5200 };
