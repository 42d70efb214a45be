import { createHmac, timingSafeEqual } from 'node:crypto';

const STEP_MS = 30_000;
const DIGITS = 6;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The step of 30 seconds since 1970 that holds the instant (RFC 6238). */
export function stepOf(at: number): number {
  return Math.floor(at / STEP_MS);
}

/** The code of six digits that an authenticator with the secret shows during the step (RFC 6238 with SHA-1, RFC 4226). */
export function codeAt(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** The step whose code this is: that of the instant, or one before or after it, for clocks that differ; null for none. */
export function stepOfCode(secret: Buffer, code: string, at: number): number | null {
  const now = stepOf(at);
  const isCode = (step: number): boolean => {
    const [given, expected] = [Buffer.from(code), Buffer.from(codeAt(secret, step))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  return [now, now - 1, now + 1].find(isCode) ?? null;
}

/** Bytes as base32 without padding (RFC 4648), which is how people type a secret. */
export function base32Of(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[parseInt(five.padEnd(5, '0'), 2)] ?? '').join('');
}
