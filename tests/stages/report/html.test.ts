import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeHtml, Html, html } from '#stages/report/html.ts';

test('markup in values is text', () => {
  const evil = '<script>alert("1")</script> & \'x\' `y`';
  const { markup } = html`<p title="${evil}">${evil}</p>`;
  assert.equal(
    markup,
    '<p title="&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;x&#39; &#96;y&#96;">&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;x&#39; &#96;y&#96;</p>',
  );
});

test('nested markup is kept, lists are joined, nothing shows nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
  assert.equal(
    html`<ul>${items}${null}${false}${undefined}${0}</ul>`.markup,
    '<ul><li>a</li><li>&#60;b&#62;</li>0</ul>',
  );
});

test('terminal escapes become visible', () => {
  assert.equal(escapeHtml('\u001B[31mred\u0007'), '\u241B[31mred\u2407');
  assert.equal(escapeHtml('a\u009Bb\u007F'), 'a[U+009B]b\u2421');
});

test('bidirectional overrides, zero-width spaces and byte order marks become visible', () => {
  assert.equal(escapeHtml('user\u202Egnp.exe'), 'user[U+202E]gnp.exe');
  assert.equal(escapeHtml('\u2066a\u2069\u200B\uFEFF'), '[U+2066]a[U+2069][U+200B][U+FEFF]');
});

test('a lone surrogate becomes the replacement character, an emoji stays', () => {
  assert.equal(escapeHtml('\uD800 👩‍🚀'), '\uFFFD 👩‍🚀');
});

test('tabs and line feeds stay', () => {
  assert.equal(escapeHtml('a\tb\nc'), 'a\tb\nc');
});

test('property: no text leaves a character that means something in HTML', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(escapeHtml(text), /[<>"'`\u202A-\u202E\u2066-\u2069]|[^\P{Cc}\t\n]/u);
      assert.equal(html`${text}`.markup, escapeHtml(text));
    }),
  );
});

test('only markup is an Html', () => {
  assert.ok(html`<i></i>` instanceof Html);
});
