import type { Command } from './command.js';

export const once: Command = {
  name: 'once',
  summary: 'Poll every node once and print what changed',
  notes: ['Exit code 1 when a node did not answer. May run beside serve.'],
  async run({ parts, loadConfig, print }) {
    const config = await loadConfig();
    const [{ createApp }, { silentLog }] = await Promise.all([import('../app.js'), import('../log.js')]);
    const app = createApp(config, { clock: parts.clock, log: silentLog });
    try {
      const report = await app.once();
      for (const node of report.nodes) {
        print(`${node.error === null ? '✓' : '✗'} ${node.node}: ${node.error ?? `${node.guestCount} guests`}`);
        node.changes.forEach((change) => print(`    ${change}`));
      }
      if (report.nodes.length === 0) print('nodes: is empty, so nothing was asked: run "proxmox-tracker init" first');
      print(
        `${report.sessionsCreated} sessions began, ${report.sessionsUpdated} changed, ${report.sessionsSkipped} guests as before`,
      );
      return report.nodes.length > 0 && report.nodes.every(({ isSeen }) => isSeen) ? 0 : 1;
    } finally {
      await app.stop();
    }
  },
};
