import type { FactorState, KeyView, OwnLogin, UserView } from '../../ledger/access.js';
import { qrCode, type QrCode } from '../charts/qr-code.js';
import { countOf, zoneClock, type InstantFigure } from './pages-figures.js';

export type SettingsPage = 'account' | 'users' | 'keys' | 'entries';

export interface SettingsLink {
  href: string;
  label: string;
  isCurrent: boolean;
}

/** Who may see which page of the settings; each has its own frame of this navigation. */
const pages: { page: SettingsPage; href: string; label: string; isForAdmins: boolean }[] = [
  { page: 'account', href: '/account', label: 'Account', isForAdmins: false },
  { page: 'users', href: '/settings/users', label: 'Users', isForAdmins: true },
  { page: 'keys', href: '/settings/keys', label: 'API keys', isForAdmins: true },
  { page: 'entries', href: '/settings/nodes', label: 'Node entries', isForAdmins: true },
];

/** The links of the settings for one who is an admin or not, the current page marked. */
export function settingsNav(current: SettingsPage, isAdmin: boolean): SettingsLink[] {
  return pages
    .filter((each) => isAdmin || !each.isForAdmins)
    .map(({ page, href, label }) => ({ href, label, isCurrent: page === current }));
}

export interface UserRow {
  id: string;
  name: string;
  role: string;
  otherRole: string;
  isDisabled: boolean;
  hasFactor: boolean;
  /** The one who looks: own secrets are changed on the page Account alone. */
  isSelf: boolean;
  state: string;
  created: InstantFigure;
}

/** A row of the users page. */
export function userRow(
  user: UserView,
  { hasFactor, isSelf }: { hasFactor: boolean; isSelf: boolean },
  zone: string,
  asOf: number,
): UserRow {
  const clock = zoneClock(zone);
  return {
    id: String(user.id),
    name: user.name,
    role: user.role,
    otherRole: user.role === 'admin' ? 'viewer' : 'admin',
    isDisabled: user.disabledAt !== null,
    hasFactor,
    isSelf,
    state: user.disabledAt === null ? 'may log in' : `disabled ${clock.instant(user.disabledAt, asOf).short}`,
    created: clock.instant(user.createdAt, asOf),
  };
}

export interface KeyRow {
  id: string;
  name: string;
  scope: string;
  node: string;
  created: InstantFigure;
  lastUsed: InstantFigure | null;
  expires: InstantFigure | null;
  /** `expired` where it opens nothing any more; else empty. */
  state: string;
}

/** A row of the keys page. */
export function keyRow(key: KeyView, zone: string, asOf: number): KeyRow {
  const clock = zoneClock(zone);
  const figure = (at: number | null): InstantFigure | null => (at === null ? null : clock.instant(at, asOf));
  return {
    id: String(key.id),
    name: key.name,
    scope: key.scope,
    node: key.node ?? '',
    created: clock.instant(key.createdAt, asOf),
    lastUsed: figure(key.lastUsedAt),
    expires: figure(key.expiresAt),
    state: key.expiresAt !== null && key.expiresAt <= asOf ? 'expired' : '',
  };
}

export interface LoginRow {
  id: string;
  address: string;
  began: InstantFigure;
  lastUsed: InstantFigure;
  isThis: boolean;
}

/** A row of one's own logins; `isThis` is the one that asks. */
export function loginRow(login: OwnLogin, thisId: number, zone: string, asOf: number): LoginRow {
  const clock = zoneClock(zone);
  return {
    id: String(login.id),
    address: login.address ?? '',
    began: clock.instant(login.createdAt, asOf),
    lastUsed: clock.instant(login.lastUsedAt, asOf),
    isThis: login.id === thisId,
  };
}

export interface FactorFigure {
  isOff: boolean;
  /** What the authenticator is to be shown; null once it is on. */
  begun: { secret: string; uri: string; code: QrCode } | null;
  on: { since: InstantFigure; codesLeft: string } | null;
}

const ISSUER = 'Proxmox VM Tracker';

/** How far the second factor is, with the code for an authenticator while one is set up. */
export function factorFigure(factor: FactorState, user: string, zone: string, asOf: number): FactorFigure {
  if (factor.kind === 'off') return { isOff: true, begun: null, on: null };
  if (factor.kind === 'begun') {
    const label = `${encodeURIComponent(ISSUER)}:${encodeURIComponent(user)}`;
    const uri = `otpauth://totp/${label}?secret=${factor.secret}&issuer=${encodeURIComponent(ISSUER)}`;
    const secret = (factor.secret.match(/.{1,4}/g) ?? []).join(' ');
    return { isOff: false, begun: { secret, uri, code: qrCode(uri) }, on: null };
  }
  const since = zoneClock(zone).instant(factor.confirmedAt, asOf);
  return { isOff: false, begun: null, on: { since, codesLeft: countOf(factor.recoveryCodesLeft, 'recovery code') } };
}
