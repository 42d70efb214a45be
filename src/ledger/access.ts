/** Who may come in, and who did what: users, keys, logins, the set-up link, the audit log. */
export { AccessError } from './access/access-error.js';
export {
  addUser,
  countUsers,
  isUserName,
  listUsers,
  PASSWORD_MIN_LENGTH,
  setPassword,
  userById,
  userNameOf,
  verifyPassword,
  type Role,
  type UserView,
} from './access/users.js';
export { changeUser, type UserChange } from './access/change-user.js';
export {
  createKey,
  keyById,
  keyByToken,
  listKeys,
  revokeKey,
  SCOPES,
  touchKey,
  type KeyView,
  type Scope,
} from './access/keys.js';
export {
  createLogin,
  endLogin,
  endLoginOf,
  listLogins,
  LOGIN_MS,
  loginByToken,
  touchLogin,
  type LoginView,
  type OwnLogin,
} from './access/logins.js';
export {
  beginFactor,
  confirmFactor,
  factorState,
  removeFactor,
  spendCode,
  usersWithFactor,
  type FactorState,
} from './access/second-factor.js';
export { createSetupLink, isSetupLink, useSetupLink } from './access/setup.js';
export { listAudit, writeAudit, type AuditEntry, type AuditWish } from './access/audit.js';
export { attemptsFrom, FAILURE_ACTION, LOGIN_ACTION, type LoginAttempt } from './access/login-attempts.js';
