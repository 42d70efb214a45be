import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../src/package-root.js';
import { missingProgram } from './shells.js';

/** What systemd calls the exposure of a service, from 0 to 10; ours stay below 3. */
const EXPOSURE_BOUND = 3;

for (const name of ['proxmox-tracker-manager', 'proxmox-tracker-client']) {
  const file = join(packageRoot, 'deploy', `${name}.service`);

  describe(`${name}.service`, function () {
    this.timeout(60_000);

    it(`is exposed to less than ${EXPOSURE_BOUND} in the eyes of systemd-analyze`, function () {
      const missing = missingProgram('/usr/bin/systemd-analyze', 'systemd');
      if (missing !== null) {
        process.stdout.write(`      skipped: ${missing}\n`);
        this.skip();
      }
      const out = execFileSync('/usr/bin/systemd-analyze', ['security', '--offline=true', '--no-pager', file]);
      const [, exposure = ''] = /exposure level for \S+ ([\d.]+)/.exec(out.toString()) ?? [];
      expect(Number.parseFloat(exposure)).to.be.greaterThan(0).and.lessThan(EXPOSURE_BOUND);
    });

    it('tells systemd how it stands, and is started anew when it hangs or ends', () => {
      const lines = readFileSync(file, 'utf8').split('\n');
      expect(lines).to.include.members(['Type=notify', 'NotifyAccess=all', 'WatchdogSec=120', 'Restart=always']);
      expect(lines).to.include.members(['User=proxmox-tracker', 'NoNewPrivileges=yes', 'ProtectSystem=strict']);
    });
  });
}
