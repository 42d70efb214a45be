import { CommandError, type Command } from './command.js';
import { addressOf } from './operands.js';

const timeoutMs = 10_000;

export const fingerprint: Command = {
  name: 'fingerprint',
  operands: ['HOST[:PORT]'],
  summary: "Show the fingerprint of a node's certificate, to compare and to pin",
  notes: [
    'Compare it with the one that the node itself shows: pvenode cert info, or the web interface under Certificates.',
  ],
  async run({ positionals, print }) {
    const { host, port } = addressOf(positionals[0] ?? '', 8006);
    const { fetchFingerprint } = await import('../proxmox/fingerprint.js');
    const seen = await fetchFingerprint(host, port, timeoutMs).catch((error: unknown) => {
      throw new CommandError(error instanceof Error ? error.message : String(error));
    });
    print(`Subject: ${seen.subject}`);
    print(`Issuer:  ${seen.issuer}`);
    print(`Names:   ${seen.names.join(', ')}`);
    print(`Valid to ${seen.validTo}`);
    print(`fingerprint: '${seen.sha256}'`);
    return 0;
  },
};
