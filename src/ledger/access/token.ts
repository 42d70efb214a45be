import { createHash, randomBytes } from 'node:crypto';

/** 43 characters of A-Z a-z 0-9 _ - that hold 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a token: SHA-256 in hex. A random token needs no slow hash. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
