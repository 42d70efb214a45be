import type { AuditEntry, KeyView } from '../../ledger/access.js';
import type { Page } from '../../ledger/queries/read-model.js';
import { isoOf } from './api-values.js';

/** A key without the key. */
export function presentKey(key: KeyView) {
  return {
    id: key.id,
    name: key.name,
    scope: key.scope,
    node: key.node,
    created_at: isoOf(key.createdAt),
    last_used_at: isoOf(key.lastUsedAt),
    expires_at: isoOf(key.expiresAt),
  };
}

/** A page of the audit log. */
export function presentAudit(page: Page<AuditEntry>) {
  const entries = page.items.map((entry) => ({ ...entry, at: isoOf(entry.at) }));
  return { entries, total: page.total, page: page.page, per_page: page.perPage };
}
