import type { Answer, Lab } from './lab.js';

/** A browser's cookies and the CSRF token of the page that it saw last, without the browser. */
export class Jar {
  readonly cookies = new Map<string, string>();
  /** The attributes with which each cookie came last. */
  readonly attributes = new Map<string, string>();
  csrf = '';

  constructor(private readonly lab: Lab) {}

  async get(path: string): Promise<Answer> {
    return this.keep(await this.lab.send('GET', path, undefined, this.headers()));
  }

  /** Posts the form with the token of the last page, or with another one where the fields name it. */
  async post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const body = new URLSearchParams({ _csrf: this.csrf, ...fields }).toString();
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return this.keep(await this.lab.send('POST', path, body, { ...this.headers(), ...type, ...headers }));
  }

  async login(username: string, password: string): Promise<Answer> {
    await this.get('/login');
    return this.post('/login', { username, password });
  }

  headers(): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return cookie === '' ? {} : { Cookie: cookie };
  }

  private keep(answer: Answer): Answer {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', value = ''] = pair.split('=');
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
      this.attributes.set(name, attributes.join('; ').toLowerCase());
    }
    this.csrf = /<meta name="csrf-token" content="([^"]+)"/.exec(answer.text)?.[1] ?? this.csrf;
    return answer;
  }
}
