import { columns, instant } from './columns.js';
import { CommandError, UsageError, type CliParts, type Command } from './command.js';
import { openTerminal } from './terminal.js';
import { byCommand, withDatabase } from './with-database.js';

const passwordNotes = [
  'The password (at least 10 characters) is asked twice at a terminal; else it is the first line of standard input.',
];

export const userAdd: Command = {
  name: 'user add',
  operands: ['NAME'],
  summary: 'Make a user of the dashboard',
  options: {
    role: { type: 'string', value: 'ROLE', help: 'admin, or viewer (default), who may look but change nothing' },
  },
  notes: passwordNotes,
  async run(invocation) {
    const { positionals, values, parts, print } = invocation;
    const role = values['role'] ?? 'viewer';
    if (role !== 'admin' && role !== 'viewer') {
      throw new UsageError(`--role is "${String(role)}": write admin or viewer`);
    }
    return withDatabase(invocation, async (db) => {
      const { addUser, listUsers, userNameOf, writeAudit } = await import('../ledger/access.js');
      const { inTransaction } = await import('../ledger/database.js');
      const name = userNameOf(positionals[0] ?? '');
      if ((await listUsers(db.reader)).some((user) => user.name === name)) {
        throw new CommandError(
          `there is a user "${name}" already: set the password by "proxmox-tracker user passwd ${name}"`,
        );
      }
      const password = await newPassword(name, parts);
      await inTransaction(db, async (trx) => {
        const now = parts.clock.now();
        await addUser(trx, { name, password, role }, now);
        await writeAudit(trx, byCommand(now, 'user.add', name, { role }));
      });
      print(`The ${role} "${name}" may log in now.`);
      return 0;
    });
  },
};

export const userPasswd: Command = {
  name: 'user passwd',
  operands: ['NAME'],
  summary: "Set a user's password anew",
  notes: passwordNotes,
  async run(invocation) {
    const { positionals, parts, print } = invocation;
    return withDatabase(invocation, async (db) => {
      const { listUsers, setPassword, userNameOf, writeAudit } = await import('../ledger/access.js');
      const { inTransaction } = await import('../ledger/database.js');
      const name = userNameOf(positionals[0] ?? '');
      if (!(await listUsers(db.reader)).some((user) => user.name === name)) {
        throw new CommandError(`there is no user "${name}": "proxmox-tracker user list" shows those there are`);
      }
      const password = await newPassword(name, parts);
      await inTransaction(db, async (trx) => {
        await setPassword(trx, name, password);
        await writeAudit(trx, byCommand(parts.clock.now(), 'user.passwd', name));
      });
      print(`The password of "${name}" is changed; its logins are ended.`);
      return 0;
    });
  },
};

export const userList: Command = {
  name: 'user list',
  summary: 'List the users of the dashboard',
  async run(invocation) {
    return withDatabase(invocation, async (db) => {
      const { listUsers } = await import('../ledger/access.js');
      const users = await listUsers(db.reader);
      if (users.length === 0) {
        invocation.print('There is no user yet: make one by "proxmox-tracker user add NAME --role admin".');
        return 0;
      }
      const rows = users.map(({ name, role, createdAt, disabledAt }) => [
        name,
        role,
        instant(createdAt),
        disabledAt === null ? '' : `disabled ${instant(disabledAt)}`,
      ]);
      columns(['NAME', 'ROLE', 'CREATED', ''], rows).forEach((line) => invocation.print(line));
      return 0;
    });
  },
};

// At a terminal a slip of the finger shows at the second time; a pipe types no slips.
async function newPassword(name: string, parts: CliParts): Promise<string> {
  const { PASSWORD_MIN_LENGTH } = await import('../ledger/access.js');
  const terminal = openTerminal(parts);
  try {
    const password = await terminal.askSecret(`Password for ${name}: `);
    if (password.length < PASSWORD_MIN_LENGTH) {
      throw new CommandError(`the password has ${password.length} characters: choose at least ${PASSWORD_MIN_LENGTH}`);
    }
    if (terminal.isInteractive && (await terminal.askSecret('Once more: ')) !== password) {
      throw new CommandError('the two passwords differ: nothing was changed, run the command again');
    }
    return password;
  } finally {
    terminal.close();
  }
}
