import type { Context, Middleware } from 'koa';
import type { Log } from '../log.js';
import { renderError } from './render.js';

export interface FieldError {
  /** A JSON pointer into the body, or `/name` of a query value. */
  path: string;
  message: string;
}

/** An answer other than success: the sentence goes to whoever asked, so it holds no secret and says what to do. */
export class WebError extends Error {
  override name = 'WebError';
  readonly status: number;
  readonly fields: FieldError[];
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    sentence: string,
    more: { fields?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(sentence);
    this.status = status;
    this.fields = more.fields ?? [];
    this.headers = more.headers ?? {};
  }
}

/** 404 with its sentence. */
export function notFound(sentence: string): WebError {
  return new WebError(404, sentence);
}

/** 422: the detail tells the first fault, `errors` all of them. */
export function unprocessable(fields: FieldError[]): WebError {
  const [first] = fields;
  const name = first?.path.slice(1).replaceAll('/', '.') ?? '';
  const sentence =
    first === undefined ? 'A value does not fit.' : `${name === '' ? 'The body' : name} ${first.message}.`;
  return new WebError(422, sentence, { fields });
}

/** True for the paths whose errors are JSON. */
export function isApi(ctx: Context): boolean {
  return /^\/(api|health|ready|metrics)(\/|$)/.test(ctx.path);
}

/**
 * Turns whatever a later middleware throws into an answer: `{detail}` for the API, a page else. What we did not foresee is
 * a 500 that names the request, and the log has the rest.
 */
export function errorAnswers(log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      answerError(ctx, foreseen(ctx, error, log));
    }
  };
}

function foreseen(ctx: Context, error: unknown, log: Log): WebError {
  if (error instanceof WebError) return error;
  const { status, expose, message } = error as { status?: unknown; expose?: unknown; message?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500 && expose === true) {
    return new WebError(status, `${String(message)}.`);
  }
  const id = String(ctx.state['requestId']);
  log.error('request failed', { id, path: ctx.path, error: error instanceof Error ? error.stack : String(error) });
  return new WebError(500, `Something went wrong here; the log tells more under request ${id}.`);
}

/** Answers with the error; a page that cannot be drawn becomes plain text. */
export function answerError(ctx: Context, error: WebError): void {
  ctx.set(error.headers);
  ctx.set('Cache-Control', 'no-store');
  if (isApi(ctx)) {
    ctx.status = error.status;
    ctx.body = { detail: error.message, ...(error.fields.length === 0 ? {} : { errors: error.fields }) };
    return;
  }
  try {
    renderError(ctx, error.status, error.message);
  } catch {
    ctx.status = error.status;
    ctx.type = 'text/plain; charset=utf-8';
    ctx.body = error.message;
  }
}
