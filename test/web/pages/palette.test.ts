import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../../src/package-root.js';

const css = readFileSync(join(packageRoot, 'public', 'app.css'), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map((match) => [
    match[1] ?? '',
    { light: match[2] ?? '', dark: match[3] ?? '' },
  ]),
);

function luminance(hex: string): number {
  const channel = (at: number): number => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string, theme: 'light' | 'dark'): number {
  const [first, second] = [a, b].map((name) => luminance(tokens.get(name)?.[theme] ?? '#000000')) as [number, number];
  return (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
}

const grounds = ['page', 'surface', 'sunken'];
const inks = ['text', 'muted', 'accent', 'runs-ink', 'notseen-ink', 'fault'];
const marks = ['runs', 'stopped', 'notseen', 'moved', 'fault', 'edge'];

describe('the palette', () => {
  for (const theme of ['light', 'dark'] as const) {
    it(`lets every ink be read on every ground in the ${theme} theme`, () => {
      for (const ground of grounds) {
        for (const ink of inks) {
          expect(contrast(ink, ground, theme), `${ink} on ${ground}`).to.be.at.least(4.5);
        }
      }
      expect(contrast('accent-ink', 'accent', theme)).to.be.at.least(4.5);
    });

    it(`lets marks, bars and the edges of fields be told from a card in the ${theme} theme`, () => {
      for (const mark of marks) expect(contrast(mark, 'surface', theme), mark).to.be.at.least(3);
    });
  }

  it('has no colour outside its one block', () => {
    const rest = css.slice(css.indexOf('}\n') + 2);
    expect(rest.match(/#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/g)).to.equal(null);
  });
});

describe('the views', () => {
  const views = (readdirSync(join(packageRoot, 'views'), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.hbs'))
    .map((file) => ({ file, text: readFileSync(join(packageRoot, 'views', file), 'utf8') }));

  it('escape everything, and hold no script or style of their own', () => {
    expect(views.length).to.be.greaterThan(10);
    for (const { file, text } of views) {
      expect(text, file).not.to.match(/\{\{\{|\{\{&|\sstyle=|<style|\son[a-z]+=|javascript:/);
      expect(text.replace(/<script type="module" src="[^"]+"><\/script>/, ''), file).not.to.contain('<script');
    }
  });

  it('use only classes that the style sheet knows', () => {
    const known = new Set([...css.matchAll(/\.([a-z][\w-]*)/g)].map((match) => match[1]));
    for (const { file, text } of views) {
      for (const match of text.replace(/\{\{[^}]*\}\}/g, '§').matchAll(/class="([^"]*)"/g)) {
        for (const name of (match[1] ?? '').split(/[\s§]+/).filter((part) => part !== '' && !part.endsWith('-'))) {
          expect(known.has(name), `${name} in ${file}`).to.equal(true);
        }
      }
    }
  });
});
