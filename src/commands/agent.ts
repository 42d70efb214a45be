import type { ClientConfig } from '../config/client.js';
import { CommandError, UsageError, type Command, type Invocation } from './command.js';
import { linesOf } from './check-lines.js';

export const agent: Command = {
  name: 'agent',
  summary: 'Report a node to a manager that cannot reach it',
  configFile: 'client_config.yaml',
  options: {
    test: { type: 'boolean', help: 'ask the node and the manager, and report nothing' },
    once: { type: 'boolean', help: 'look and report once' },
    daemon: { type: 'boolean', help: 'look and report until SIGTERM: what it does without an option too' },
  },
  notes: [
    'Stays in the foreground; systemd or a container keeps it running. What the manager does not take waits on disk.',
    'Exit code 1 when --test or --once finds the node or the manager away.',
  ],
  isLongRunning: true,
  async run(invocation) {
    const { parts, values, configFile } = invocation;
    const chosen = ['test', 'once', 'daemon'].filter((name) => values[name] === true);
    if (chosen.length > 1) throw new UsageError(`--${chosen[0]} and --${chosen[1]} do not go together: choose one`);
    const { loadClientConfig } = await import('../config/client.js');
    const config = loadClientConfig(configFile, parts.env);
    if (values['test'] === true) return testAgent(config, invocation);
    if (values['once'] === true) return reportOnce(config, invocation);
    return keepReporting(config, invocation);
  },
};

/** Asks the node all that a look asks, and the manager whether it takes the key. */
async function testAgent(config: ClientConfig, { parts, print }: Invocation): Promise<number> {
  const [{ checkNode }, { checkManager }, { silentLog }] = await Promise.all([
    import('../proxmox/check-node.js'),
    import('../agent/check-manager.js'),
    import('../log.js'),
  ]);
  const { clock } = parts;
  const { trackQemu, trackLxc, intervalSeconds, proxmoxTimeoutSeconds: timeoutSeconds } = config;
  const polling = { trackQemu, trackLxc, intervalSeconds, timeoutSeconds, backfill: false };
  const node = await checkNode(config.node, polling, { clock, log: silentLog });
  linesOf(node).forEach((line) => print(line));
  const manager = await checkManager(config.manager, { clock });
  print(manager.ok ? '✓ Manager connection successful' : `✗ manager: ${manager.sentence}`);
  if (manager.ok) print(`  Manager: ${config.manager.url}`);
  manager.warnings.forEach((warning) => print(`  ! ${warning}`));
  return node.ok && manager.ok ? 0 : 1;
}

async function reportOnce(config: ClientConfig, { parts, print }: Invocation): Promise<number> {
  const [{ Agent }, { silentLog }] = await Promise.all([import('../agent/agent.js'), import('../log.js')]);
  const once = mendable(() => Agent.open(config, { clock: parts.clock, log: silentLog }));
  try {
    const look = await once.look();
    const { name } = config.node;
    print(
      look.fault === null
        ? `✓ ${name}: ${look.guestCount} guests, ${look.changeCount} changes`
        : `✗ ${name}: ${look.fault}`,
    );
    const delivered = await once.deliver();
    print(
      delivered.kind === 'all' ? '✓ all is reported' : `✗ ${once.waitingCount} reports wait: ${delivered.sentence}`,
    );
    return look.fault === null && delivered.kind === 'all' ? 0 : 1;
  } finally {
    once.close();
  }
}

async function keepReporting(config: ClientConfig, { parts }: Invocation): Promise<number> {
  const [{ runAgent }, { createLog }, { createNotifier }] = await Promise.all([
    import('../agent/run-agent.js'),
    import('../log.js'),
    import('../notify.js'),
  ]);
  const log = createLog(config.logging);
  log.info('the agent begins', { node: config.node.name, interval_seconds: config.intervalSeconds });
  const notifier = createNotifier({ env: parts.env, log, isAlive: () => running.isAlive() });
  const { clock, signal } = parts;
  const running = mendable(() => runAgent(config, { clock, log, signal, onReady: () => notifier.ready() }));
  let lastWord: Promise<void> | null = null;
  const stopping = (): Promise<void> => (lastWord ??= notifier.stopping());
  signal.addEventListener('abort', () => void stopping(), { once: true });
  try {
    await running.ended;
    return 0;
  } finally {
    // Also after a fault: a watchdog that is fed on would keep the process from its end.
    await stopping();
  }
}

/** What the operator can mend: another agent has the files, or they cannot be written. */
function mendable<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'LockedError') throw new CommandError(error.message);
    if ('path' in error || 'syscall' in error)
      throw new CommandError(
        `state_file and outbox cannot be used (${error.message}): name files that this user may write`,
      );
    throw error;
  }
}
