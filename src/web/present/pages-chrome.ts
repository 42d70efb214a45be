import type { Context } from 'koa';
import { csrfTokenOf } from '../csrf.js';
import { agoText, countText, zoneClock, type InstantFigure } from './pages-figures.js';

export type Section = 'overview' | 'guests' | 'sessions' | 'nodes' | 'gaps' | 'checks' | 'settings';

export interface Flash {
  tone: 'good' | 'warn' | 'fault';
  text: string;
}

/** What every page has around its own content. */
export interface Chrome {
  title: string;
  csrfToken: string;
  assetVersion: string;
  /** Epoch ms at which the page was made, for the browser's relative times. */
  servedAt: string;
  /** Empty: as the system's. */
  theme: '' | 'light' | 'dark';
  hasHeader: boolean;
  /** With how many things wait there for a person; empty: none. */
  nav: { href: string; label: string; isCurrent: boolean; count: string }[];
  user: { name: string; role: string } | null;
  synced: (InstantFigure & { ago: string }) | null;
  canSync: boolean;
  flash: Flash | null;
  /** Where a form of the header leads back to: this page's own path and query. */
  back: string;
  /** True: the browser fetches the page anew now and then. */
  isRefreshing: boolean;
  foot: string;
}

const sections: { section: Section; href: string; label: string }[] = [
  { section: 'overview', href: '/', label: 'Overview' },
  { section: 'guests', href: '/guests', label: 'Guests' },
  { section: 'sessions', href: '/sessions', label: 'Sessions' },
  { section: 'nodes', href: '/nodes', label: 'Nodes' },
  { section: 'gaps', href: '/gaps', label: 'Gaps' },
  { section: 'checks', href: '/checks', label: 'Checks' },
];

/** The links of the header, the current one marked; the checks with how many findings wait. */
export function navOf(section: Section, findingCount: number): Chrome['nav'] {
  return sections.map((entry) => ({
    href: entry.href,
    label: entry.label,
    isCurrent: entry.section === section,
    count: entry.section === 'checks' && findingCount > 0 ? countText(findingCount) : '',
  }));
}

/** A page without header: login, set-up, errors. Needs no database and no login. */
export function bareChrome(ctx: Context, title: string, assetVersion: string): Chrome {
  return {
    title,
    assetVersion,
    csrfToken: csrfTokenOf(ctx),
    servedAt: '0',
    theme: themeOf(ctx),
    hasHeader: false,
    nav: [],
    user: null,
    synced: null,
    canSync: false,
    flash: null,
    back: '/',
    isRefreshing: false,
    foot: '',
  };
}

/** An instant with how long ago it was. */
export function agoFigure(at: number, asOf: number, zone: string): InstantFigure & { ago: string } {
  return { ...zoneClock(zone).instant(at, asOf), ago: agoText(asOf - at) };
}

/** The theme that the visitor chose; empty where the system's is followed. */
export function themeOf(ctx: Context): Chrome['theme'] {
  const chosen = ctx.cookies.get('theme');
  return chosen === 'light' || chosen === 'dark' ? chosen : '';
}
