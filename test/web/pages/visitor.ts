/** A browser without a screen: keeps cookies, follows nothing, fills in the token of the page's form. */
export class Visitor {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly base: string) {}

  async get(path: string): Promise<{ status: number; text: string; location: string | null; headers: Headers }> {
    return this.ask(path, { method: 'GET' });
  }

  /** Sends a form with the CSRF token of the page that was last seen, or the one given. */
  async post(path: string, fields: Record<string, string>, csrf = this.token): ReturnType<Visitor['get']> {
    const body = new URLSearchParams({ ...fields, _csrf: csrf });
    return this.ask(path, { method: 'POST', body });
  }

  async logIn(user: { name: string; password: string }): ReturnType<Visitor['get']> {
    await this.get('/login');
    const answer = await this.post('/login', { username: user.name, password: user.password });
    await this.get('/sessions');
    return answer;
  }

  token = '';

  private async ask(path: string, init: RequestInit): ReturnType<Visitor['get']> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${this.base}${path}`, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await answer.text();
    this.token = /<meta name="csrf-token" content="([^"]+)"/.exec(text)?.[1] ?? this.token;
    return { status: answer.status, text, location: answer.headers.get('location'), headers: answer.headers };
  }
}
