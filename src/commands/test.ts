import type { Config } from '../config/config.js';
import { linesOf } from './check-lines.js';
import type { CliParts, Command, Invocation } from './command.js';
import { storedNodes } from './stored-nodes.js';

export const testCommand: Command = {
  name: 'test',
  summary: 'Ask every node: reachable, certificate, token, privileges, guests',
  notes: [
    'The nodes of config.yaml come first, then those of the database.',
    'Exit code 1 when a node fails. Nothing is written, neither here nor on the nodes.',
  ],
  async run({ parts, loadConfig, print }) {
    const config = await loadConfig();
    const { nodes, problems } = await storedNodes(config);
    return testNodes({ ...config, nodes: [...config.nodes, ...nodes] }, parts, print, problems);
  },
};

/** Checks the nodes of a configuration, prints what each answered in their order and then the problems, and yields the exit code. */
export async function testNodes(
  config: Config,
  parts: Pick<CliParts, 'clock'>,
  print: Invocation['print'],
  problems: readonly string[] = [],
): Promise<number> {
  if (config.nodes.length === 0 && problems.length === 0) {
    print('✗ nodes: is empty, so there is nothing to measure: run "proxmox-tracker init", or put an entry there');
    return 1;
  }
  const [{ checkNode }, { silentLog }] = await Promise.all([import('../proxmox/check-node.js'), import('../log.js')]);
  const asked = config.nodes.map((node) => checkNode(node, config.polling, { clock: parts.clock, log: silentLog }));
  let isFine = true;
  for (const [index, each] of asked.entries()) {
    const check = await each;
    isFine &&= check.ok;
    if (index > 0) print('');
    linesOf(check).forEach((line) => print(line));
  }
  for (const [index, problem] of problems.entries()) {
    if (index > 0 || asked.length > 0) print('');
    print(`✗ ${problem}`);
  }
  return isFine && problems.length === 0 ? 0 : 1;
}
